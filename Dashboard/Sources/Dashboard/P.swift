import Hummingbird
import Lab
public let placeholder = 1
