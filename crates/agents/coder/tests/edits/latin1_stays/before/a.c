/* café, naïve */
int x = 1;
