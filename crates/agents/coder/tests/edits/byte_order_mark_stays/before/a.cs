class A {}
class B {}
