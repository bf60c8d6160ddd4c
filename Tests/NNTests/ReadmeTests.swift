import Foundation
import NN
import Pinion
import Testing

/// The library example of `README.md`, word for word.
@Suite struct ReadmeTests {
  @Test func example() throws {
    struct MLP: Module {
      var hidden: Dense
      var out: Dense

      init(key: Key) {
        let keys = key.split()
        hidden = Dense(2, 32, key: keys[0])
        out = Dense(32, 2, key: keys[1])
      }

      func callAsFunction(_ x: Tensor) -> Tensor { out(relu(hidden(x))) }
    }

    let points = Key(0).normal([1024, 2])
    let inside = (points.square().sum(1) .< 1).cast(.int32)  // within the unit circle?
    let model = MLP(key: Key(1))
    var state = TrainState(model: model, optimizer: try Adam(for: model, learningRate: 1e-2), key: Key(2))
    let step = trainStep(for: Adam<MLP>.self) { (model: inout MLP, batch: [Tensor], _: Key) in
      crossEntropy(model(batch[0]), batch[1])
    }
    for i in 0..<300 {
      let (next, loss) = try step(state, [points, inside])
      state = next
      if i % 100 == 0 { print(i, try loss.item()) }
    }
    print("accuracy:", try accuracy(state.model(points), inside).item())
    #expect(try accuracy(state.model(points), inside).item() > 0.97)
  }

  @Test func theReadmeHasThisExample() throws {
    let here = URL(fileURLWithPath: #filePath)
    let readme = here.deletingLastPathComponent().appendingPathComponent("../../README.md")
    let parts = try String(contentsOf: readme, encoding: .utf8).components(separatedBy: "```swift\n")
    let snippet = lines(try #require(parts.last).components(separatedBy: "```")[0]).filter { !$0.hasPrefix("import ") }
    let source = lines(try String(contentsOf: here, encoding: .utf8))
    #expect(parts.count == 2 && snippet.count > 20)
    #expect(source.indices.contains { source[$0...].starts(with: snippet) })
  }

  private func lines(_ text: String) -> [String] {
    text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
  }
}
