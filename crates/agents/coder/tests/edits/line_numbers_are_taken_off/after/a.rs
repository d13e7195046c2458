fn a() {
    2
}
