int a;

int c;
