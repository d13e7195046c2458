func main() {
	if ok {
		prepare()
		run()
	}
}
