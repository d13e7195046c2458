let value = compute(2);
