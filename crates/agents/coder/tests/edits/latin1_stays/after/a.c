/* café, naïve */
int x = 2; /* ü */
