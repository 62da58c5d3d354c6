/// One adjustable number of `Owner`, as data: panes, flags, help and sessions derive from it.
package struct Knob<Owner: Sendable>: Sendable {
  /// The name in files, flags and commands, such as `min-p`.
  package let id: String
  /// The name on the screen.
  package let title: String
  package let range: ClosedRange<Double>
  package let step: Double
  package let largeStep: Double
  package let defaultValue: Double
  /// The value at which the knob has no effect; nil where there is none.
  package let offValue: Double?
  package let decimals: Int
  package let unit: String
  /// One sentence for help.
  package let summary: String
  private let read: @Sendable (Owner) -> Double
  private let write: @Sendable (inout Owner, Double) -> Void

  package init(
    _ id: String, title: String? = nil, _ path: any WritableKeyPath<Owner, Double> & Sendable,
    in range: ClosedRange<Double>, step: Double, largeStep: Double? = nil, default: Double,
    off: Double? = nil, decimals: Int = 2, unit: String = "", summary: String
  ) {
    self.id = id
    self.title = title ?? id
    self.range = range
    self.step = step
    self.largeStep = largeStep ?? step * 5
    defaultValue = `default`
    offValue = off
    self.decimals = decimals
    self.unit = unit
    self.summary = summary
    read = { $0[keyPath: path] }
    write = { $0[keyPath: path] = $1 }
  }

  package init(
    _ id: String, title: String? = nil, _ path: any WritableKeyPath<Owner, Int> & Sendable,
    in range: ClosedRange<Int>, step: Int = 1, largeStep: Int? = nil, default: Int,
    off: Int? = nil, unit: String = "", summary: String
  ) {
    self.id = id
    self.title = title ?? id
    self.range = Double(range.lowerBound)...Double(range.upperBound)
    self.step = Double(step)
    self.largeStep = Double(largeStep ?? step * 10)
    defaultValue = Double(`default`)
    offValue = off.map(Double.init)
    decimals = 0
    self.unit = unit
    self.summary = summary
    read = { Double($0[keyPath: path]) }
    write = { $0[keyPath: path] = Int($1.rounded()) }
  }

  /// A method's knob on a choice, where no value stands for the default.
  package init<Method>(_ knob: Knob<Method>) where Owner == MethodChoice {
    let (id, defaultValue) = (knob.id, knob.defaultValue)
    self.init(knob) {
      $0.values[id] ?? defaultValue
    } write: {
      $0.values[id] = $1 == defaultValue ? nil : $1
    }
  }

  /// A knob of a part of the owner.
  package init<Part>(_ knob: Knob<Part>, of path: any WritableKeyPath<Owner, Part> & Sendable) {
    self.init(knob) {
      knob.read($0[keyPath: path])
    } write: {
      knob.write(&$0[keyPath: path], $1)
    }
  }

  /// The same knob on another owner.
  private init<Other>(
    _ knob: Knob<Other>, read: @escaping @Sendable (Owner) -> Double,
    write: @escaping @Sendable (inout Owner, Double) -> Void
  ) {
    id = knob.id
    title = knob.title
    range = knob.range
    step = knob.step
    largeStep = knob.largeStep
    defaultValue = knob.defaultValue
    offValue = knob.offValue
    decimals = knob.decimals
    unit = knob.unit
    summary = knob.summary
    self.read = read
    self.write = write
  }

  package func value(in owner: Owner) -> Double { read(owner) }

  /// Sets the value, clamped to the range; a value that is no number is ignored.
  package func set(_ value: Double, in owner: inout Owner) {
    guard !value.isNaN else { return }
    write(&owner, min(max(value, range.lowerBound), range.upperBound))
  }

  /// Moves the value by `steps`, on the grid of steps.
  package func move(by steps: Int, large: Bool = false, in owner: inout Owner) {
    let size = large ? largeStep : step
    let target = (value(in: owner) / step).rounded() * step + Double(steps) * size
    set((target / step).rounded() * step, in: &owner)
  }

  package func isOff(in owner: Owner) -> Bool { offValue == value(in: owner) }
}
