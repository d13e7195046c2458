int a;

int b;
