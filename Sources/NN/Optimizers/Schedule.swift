import Pinion

/// A number that depends on the step, such as a learning rate. Computed inside of compiled programs.
///
/// A Swift number is a constant schedule: `learningRate: 1e-3`.
public struct Schedule: Hashable, Sendable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  private indirect enum Form: Hashable, Sendable {
    case constant(Double)
    case linear(from: Double, to: Double, steps: Int)
    case cosine(from: Double, to: Double, steps: Int)
    case exponential(from: Double, factor: Double, every: Int, staircase: Bool)
    case joined(Form, Form, at: Int)
  }

  private let form: Form

  private init(_ form: Form) { self.form = form }

  public init(floatLiteral value: Double) { form = .constant(value) }

  public init(integerLiteral value: Int) { form = .constant(Double(value)) }

  /// The same number at every step.
  public static func constant(_ value: Double) -> Schedule { Schedule(.constant(value)) }

  /// From one number to another over `steps`, evenly; the latter from then on.
  public static func linear(from start: Double, to end: Double, steps: Int) -> Schedule {
    Schedule(.linear(from: start, to: end, steps: steps))
  }

  /// Linear from 0 to `peak` over the first `warmup` steps, then half a cosine down to `end` at step `total`.
  ///
  /// Loshchilov and Hutter, SGDR, 2017.
  public static func cosine(peak: Double, warmup: Int = 0, total: Int, end: Double = 0) -> Schedule {
    Schedule(.cosine(from: peak, to: end, steps: total - warmup)).warmedUp(steps: warmup, to: peak)
  }

  /// `start`, multiplied by `factor` after every `every` steps.
  public static func step(from start: Double, factor: Double, every: Int) -> Schedule {
    Schedule(.exponential(from: start, factor: factor, every: every, staircase: true))
  }

  /// `start`·`factor` to the power of step / `every`.
  public static func exponential(from start: Double, factor: Double, every: Int = 1) -> Schedule {
    Schedule(.exponential(from: start, factor: factor, every: every, staircase: false))
  }

  /// Linear from 0 to `peak` over the first `steps`, then this schedule from its beginning.
  public func warmedUp(steps: Int, to peak: Double) -> Schedule {
    steps > 0 ? Schedule.linear(from: 0, to: peak, steps: steps).followed(by: self, at: steps) : self
  }

  /// This schedule up to a step, then another from its beginning.
  public func followed(by next: Schedule, at step: Int) -> Schedule { Schedule(.joined(form, next.form, at: step)) }

  /// The number at a step.
  ///
  /// - Parameter step: an integer scalar, from 0.
  public func callAsFunction(_ step: Tensor, dtype: DType = .float32) -> Tensor {
    Schedule.value(form, step.cast(dtype))
  }

  private static func value(_ form: Form, _ t: Tensor) -> Tensor {
    func progress(_ steps: Int) -> Tensor {
      steps > 0 ? (t / Double(steps)).clamp(min: 0, max: 1) : Tensor.ones(like: t)
    }
    switch form {
    case .constant(let value): return Tensor.full(like: t, value)
    case .linear(let start, let end, let steps): return start + (end - start) * progress(steps)
    case .cosine(let start, let end, let steps):
      return end + (start - end) * (0.5 * (1 + (.pi * progress(steps)).cos()))
    case .exponential(let start, let factor, let every, let staircase):
      let turns = t / Double(max(every, 1))
      return start * (factor ** (staircase ? turns.floor() : turns))
    case .joined(let first, let second, let step):
      return select(t .< Double(step), value(first, t), value(second, t - Double(step)))
    }
  }
}
