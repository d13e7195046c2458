def f():
    y = 2
    return y

x = f()
