fn a() {
    1
}
