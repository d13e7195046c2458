pаssword = 1
