import Pinion
