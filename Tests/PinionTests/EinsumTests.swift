import Pinion
import Testing

@Suite struct EinsumTests {
  let a = numbers([2, 3, 4])
  let b = numbers([2, 4, 5], seed: 2)
  let c = numbers([5, 3], seed: 3)

  @Test func values() throws {
    try expectClose(einsum("bij,bjk->bik", a, b), a.matmul(b))
    try expectClose(einsum(" b i j , b j k -> k b i ", a, b), a.matmul(b).transpose([2, 0, 1]))
    try expectClose(einsum("ij,jk", numbers([2, 3]), numbers([3, 4])), numbers([2, 3]).matmul(numbers([3, 4])))
    try expectClose(einsum("ba", numbers([2, 3])), numbers([2, 3]).transpose())
    try expectClose(einsum("bij,bjk,ki->b", a, b, c), (a.matmul(b) * c.transpose()).sum(1, 2))
    try expectClose(einsum("i,j->ij", numbers([2]), numbers([3])), numbers([2, 1]) * numbers([3]))
    try expectClose(
      einsum("ij,ij->ij", numbers([2, 3]), numbers([2, 3], seed: 4)), numbers([2, 3]) * numbers([2, 3], seed: 4))
    try expectClose(einsum("bij->j", a), a.sum(0, 1))
    try expectClose(einsum("bij->", a), a.sum())
    // A letter that one tensor alone has is summed before the product.
    try expectClose(einsum("bij,k->b", a, numbers([3])), a.sum(1, 2) * numbers([3]).sum())
    try expectClose(einsum(",i->i", Tensor(2.0), numbers([3])), numbers([3]) * 2)
    #expect(try einsum("ij,jk->ik", Tensor([[1, 2]] as [[Int32]]), Tensor([[3], [4]] as [[Int32]])).item() == 11)
  }

  @Test func diagonals() throws {
    let m = Tensor.arange(9, dtype: .float64).reshape([3, 3])
    #expect(try doubles(einsum("ii->i", m)) == [0, 4, 8])
    #expect(try einsum("ii", m).item() == 12)
    let t = Tensor.arange(8, dtype: .float64).reshape([2, 2, 2])
    #expect(try doubles(einsum("iii->i", t)) == [0, 7])
    #expect(try doubles(einsum("iji->j", t)) == [0 + 5, 2 + 7])
    #expect(try doubles(einsum("ii,i->i", m, Tensor([1.0, 2, 3]))) == [0, 8, 24])
    // Off the diagonal anything may stand.
    #expect(try einsum("ii", Tensor([1, .nan, .infinity, 2] as [Double], shape: [2, 2])).item() == 3)
  }

  @Test func ellipses() throws {
    try expectClose(einsum("...ij,...jk->...ik", a, b), a.matmul(b))
    try expectClose(einsum("...ij,jk->...ik", a, b[0]), a.matmul(b[0]))
    try expectClose(einsum("...ij,...jk", a, b[0]), a.matmul(b[0]))
    try expectClose(einsum("i...->...", a), a.sum(0))
    try expectClose(einsum("i...->...i", a), a.moveAxis(from: 0, to: -1))
    let (wide, tall) = (numbers([1, 3, 2]), numbers([4, 1, 2], seed: 2))
    try expectClose(einsum("...i,...i->...", wide, tall), (wide * tall).sum(2))
  }

  /// Greedy pairs: the chain costs what its best order costs, and no intermediate is larger than its operands.
  @Test func chains() throws {
    let (u, m, v) = (numbers([200]), numbers([200, 300]), numbers([300]))
    try expectClose(einsum("i,ij,j->", u, m, v), u.matmul(m).matmul(v), 1e-10)
    let x = einsum("ab,bc,cd,de->ae", numbers([3, 4]), numbers([4, 5]), numbers([5, 6]), numbers([6, 2]))
    try expectClose(x, numbers([3, 4]).matmul(numbers([4, 5])).matmul(numbers([5, 6])).matmul(numbers([6, 2])))
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    checks.add("three", [a, b, c]) { einsum("bij,bjk,ki->bk", $0[0], $0[1], $0[2]) }
    checks.add("diagonal", [numbers([3, 2, 3])]) { einsum("iji->ij", $0[0]).square() }
    checks.add("product", [numbers([2, 3]), numbers([3, 2], seed: 2)]) { einsum("ij,ji->ij", $0[0], $0[1]) }
    checks.add("ellipsis", [numbers([1, 3, 2]), numbers([4, 1, 2], seed: 2)]) {
      einsum("...i,...i->i...", $0[0], $0[1])
    }
    try checks.run()
  }

  @Test func errorsPointAtTheLetter() {
    func message(_ pattern: String, _ tensors: Tensor...) -> String? { einsum(pattern, tensors).failure?.message }
    let (x, y) = (Tensor.zeros([2, 3]), Tensor.zeros([4, 5]))
    #expect(
      message("ij,jk->ik", x, y) == "\"ij,jk->ik\": letter 'j' is 3 in tensor 0 and 4 in tensor 1: [[2, 3], [4, 5]]")
    #expect(message("ij->iz", x) == "\"ij->iz\": letter 'z' of the result isn't in any term")
    #expect(message("ij->ii", x) == "\"ij->ii\": letter 'i' comes twice in the result")
    #expect(message("ijk->i", x) == "\"ijk->i\": term 0 \"ijk\" names 3 axes, tensor 0 has 2")
    #expect(message("ij,jk->ik", x) == "\"ij,jk->ik\": 2 terms for 1 tensors")
    #expect(message("i1->i", x) == "\"i1->i\": '1' in term 0 \"i1\" isn't a letter")
    #expect(message("ii->i", x) == "\"ii->i\": letter 'i' is 2 in tensor 0 and 3 in tensor 0: [[2, 3]]")
    #expect(message("i->i->i", x) == "\"i->i->i\": more than one ->")
    #expect(message("......", x) == "\"......\": more than one ellipsis in term 0 \"......\"")
    #expect(message("...j->j", x) == "\"...j->j\": the result has no ellipsis, its terms have")
    #expect(
      message("...i,...i", x, Tensor.zeros([5, 3]))
        == "\"...i,...i\": an axis of the ellipsis is 2 in tensor 0 and 5 in tensor 1: [[2, 3], [5, 3]]")
    #expect(message("ijk...->i", x) == "\"ijk...->i\": term 0 \"ijk...\" names 3 axes, tensor 0 has 2")
    #expect(einsum("ij,ij", x, x.cast(.float64)).failure?.kind == .dtype)
    #expect(einsum("", []).failure?.kind == .value)
  }
}

@Suite struct RearrangeTests {
  let x = Tensor.arange(24).reshape([2, 3, 4])

  @Test func rearranges() throws {
    func same(_ a: Tensor, _ b: Tensor) throws { try expectClose(a.cast(.float64), b.cast(.float64), 0) }
    try same(rearrange(x, "a b c -> c a b"), x.transpose([2, 0, 1]))
    try same(rearrange(x, "a b c -> a (b c)"), x.reshape([2, 12]))
    try same(rearrange(x, "a b c -> (c b a)"), x.transpose().reshape([24]))
    try same(
      rearrange(x, "a b (c d) -> (a d) b c", ["d": 2]),
      x.reshape([2, 3, 2, 2]).transpose([0, 3, 1, 2]).reshape([4, 3, 2]))
    try same(rearrange(x, "... c -> c ..."), x.transpose([2, 0, 1]))
    try same(rearrange(x, "a ... -> a (...)"), x.reshape([2, 12]))
    try same(rearrange(x, "a … -> … a"), x.transpose([1, 2, 0]))
    try same(rearrange(x, "a b c -> a 1 b c 1"), x.reshape([2, 1, 3, 4, 1]))
    try same(rearrange(x.reshape([2, 1, 3, 4]), "a 1 b c -> b (a c)"), x.transpose([1, 0, 2]).reshape([3, 8]))
    try same(rearrange(x, "a b c -> a () b c"), x.reshape([2, 1, 3, 4]))
    try same(rearrange(Tensor(5.0), "-> 1"), Tensor([5.0]))
    try same(rearrange([x[0], x[1]], "n b c -> b n c"), x.transpose([1, 0, 2]))
    // Patches and back.
    let image = Tensor.arange(2 * 8 * 12 * 3).reshape([2, 8, 12, 3])
    let patches = rearrange(image, "b (h p) (w q) c -> b (h w) (p q c)", ["p": 4, "q": 4])
    #expect(patches.shape == [2, 6, 48])
    try same(rearrange(patches, "b (h w) (p q c) -> b (h p) (w q) c", ["h": 2, "p": 4, "q": 4]), image)
    try same(patches[1, 4].reshape([4, 4, 3]), image[1, 4..<8, 4..<8])
  }

  @Test func reduces() throws {
    let y = x.cast(.float64)
    try expectClose(reduce(y, "a b c -> c a", .sum), y.sum(1).transpose())
    try expectClose(reduce(y, "a b c -> a 1 c", .mean), y.mean(1, keepDims: true))
    try expectClose(reduce(y, "a b (c 2) -> a b c", .max), y.reshape([2, 3, 2, 2]).max(3))
    try expectClose(reduce(y, "a b (c two) -> a b c", .min, ["two": 2]), y.reshape([2, 3, 2, 2]).min(3))
    try expectClose(reduce(y + 1, "... c -> ...", .product), (y + 1).product(2))
    try expectClose(reduce(y, "... -> ", .sum), y.sum())
    try expectClose(reduce(y, "a b c -> (c b) a", .sum), y.transpose([2, 1, 0]).reshape([12, 2]))
  }

  @Test func repeats() throws {
    #expect(try repeated(Tensor([1, 2] as [Int32]), "a -> a n", ["n": 2]).array(of: Int32.self) == [1, 1, 2, 2])
    #expect(try repeated(Tensor([1, 2] as [Int32]), "a -> (n a)", ["n": 2]).array(of: Int32.self) == [1, 2, 1, 2])
    #expect(try repeated(Tensor([1, 2] as [Int32]), "a -> (a 2)").array(of: Int32.self) == [1, 1, 2, 2])
    #expect(repeated(x, "a b c -> b 5 a (c 2) 1").shape == [3, 5, 2, 8, 1])
    try expectClose(
      repeated(x.cast(.float64), "a b c -> c n b a", ["n": 3])[.all, 2], x.cast(.float64).transpose(), 0)
    #expect(repeated(x, "... -> n ...", ["n": 7]).shape == [7, 2, 3, 4])
  }

  @Test func derivatives() throws {
    var checks = GradientChecks()
    checks.add("rearrange", [numbers([2, 6])]) { rearrange($0[0], "a (b c) -> c a b", ["b": 2]).square() }
    checks.add("reduce", [numbers([2, 6])]) { reduce($0[0], "a (b 2) -> b a", .mean).square() }
    checks.add("repeated", [numbers([2, 3])]) { repeated($0[0], "a b -> b n a", ["n": 2]).square() }
    try checks.run()
  }

  @Test func errors() {
    func message(_ pattern: String, _ sizes: [String: Int] = [:]) -> String? {
      rearrange(x, pattern, sizes).failure?.message
    }
    #expect(message("a b c -> a b") == "\"a b c -> a b\": axis 'c' isn't on the right side")
    #expect(message("a b c -> a b c d") == "\"a b c -> a b c d\": the size of 'd' is unknown; give it")
    #expect(message("a b -> a b") == "\"a b -> a b\": the left side has 2 axes, [2, 3, 4] has 3")
    #expect(
      message("a b (c d) -> a b c d") == "\"a b (c d) -> a b c d\": sizes of 'c', 'd' are unknown; give all but one")
    #expect(
      message("a b (c d) -> a b c d", ["d": 3])
        == "\"a b (c d) -> a b c d\": axis 2 of [2, 3, 4] has size 4, which 3 doesn't divide")
    #expect(
      message("a b c -> a b c", ["c": 5]) == "\"a b c -> a b c\": axis 2 of [2, 3, 4] has size 4, the pattern says 5")
    #expect(
      message("a b c -> a b c", ["z": 5]) == "\"a b c -> a b c\": a size is given for 'z', which isn't in the pattern")
    #expect(message("a a c -> a c") == "\"a a c -> a c\": axis 'a' comes twice in \"a a c \"")
    #expect(message("a b (c -> a b c") == "\"a b (c -> a b c\": a ( without )")
    #expect(message("a b c) -> a b c") == "\"a b c) -> a b c\": a ) without (")
    #expect(message("a ((b)) c -> a b c") == "\"a ((b)) c -> a b c\": parentheses inside of parentheses")
    #expect(message("a b c") == "\"a b c\": expected one -> between two sides")
    #expect(message("a b-x c -> a b-x c") == "\"a b-x c -> a b-x c\": \"b-x\" isn't a name of an axis")
    #expect(
      message("a b 4 -> a b 4") == "\"a b 4 -> a b 4\": the number 4 can't stand here; name the axis and give its size")
    #expect(message("... c ... -> c") == "\"... c ... -> c\": more than one ellipsis in \"... c ... \"")
    #expect(message("a (...) -> a ...")?.hasSuffix("the ellipsis of the left side stands in parentheses") == true)
    #expect(message("a b c -> ... a b c") == "\"a b c -> ... a b c\": only the right side has an ellipsis")
    #expect(message("a 1 c -> a c")?.contains("the pattern says 1") == true)
    #expect(message("a b 0 -> a b")?.contains("size 0 isn't positive") == true)
    #expect(
      reduce(x, "a b c -> a d", .sum, ["d": 2]).failure?.message == "\"a b c -> a d\": axis 'd' isn't on the left side")
    #expect(repeated(x, "a b c -> a b").failure?.message == "\"a b c -> a b\": axis 'c' isn't on the right side")
  }
}
