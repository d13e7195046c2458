func f() {
	if ok {
		prepare()
		run(1)
	}
}
