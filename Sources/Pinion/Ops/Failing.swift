/// The value of `body`, or a failed tensor of the error that it throws.
func failing(_ operation: String, _ body: () throws -> Tensor) -> Tensor {
  do {
    return try body()
  } catch let error as TensorError {
    return .failed(error)
  } catch {
    return .failed(TensorError(.runtime, operation, "\(error)"))
  }
}
