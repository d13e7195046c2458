sed "s/x/$1/" \n ${A}
