/* café */
int price = 1;
