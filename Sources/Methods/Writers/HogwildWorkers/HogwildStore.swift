import Inference

/// The blocks of all writers, and the order in which each of them reads these.
///
/// The common text comes first, then, with the combined layout, what the others are writing, then a writer's own step. A
/// finished step moves behind the common text as it is: what changes is where it stands in the views.
package final class HogwildStore {
  private let shape: ModelShape
  private let layout: HogwildLayout
  /// The prompt.
  package let prompt: HogwildBlock
  /// Stands before what the others are writing, and before what a writer writes itself; nil where there is no need.
  package let othersHeader: HogwildBlock?
  package let ownHeader: HogwildBlock?
  /// Finished steps in the order they ended, those of one writer apart from the others' with the private layout.
  private var finished: [[HogwildBlock]]
  /// The blocks of each writer's unfinished step; a new one begins where the last one is full.
  private var unfinished: [[HogwildBlock]]

  /// - Parameters:
  ///   - capacity: positions of the prompt's block.
  ///   - headers: tokens of the two headers, where the layout has any. Their blocks are just as long, so that what is
  ///     read of them lies close together.
  package init(
    writers: Int, layout: HogwildLayout, shape: ModelShape, capacity: Int,
    headers: (others: Int, own: Int)
  ) throws(InferenceError) {
    self.shape = shape
    self.layout = layout
    prompt = try HogwildBlock(shape: shape, capacity: capacity)
    let hasHeaders = layout == .combined && writers > 1
    othersHeader = hasHeaders ? try HogwildBlock(shape: shape, capacity: headers.others) : nil
    ownHeader = hasHeaders ? try HogwildBlock(shape: shape, capacity: headers.own) : nil
    finished = Array(repeating: [], count: layout == .private ? writers : 1)
    unfinished = []
    for _ in 0..<writers {
      // A single writer continues the prompt itself: there is no one to keep its text apart from.
      unfinished.append(
        writers == 1
          ? [] : [try HogwildBlock(shape: shape, capacity: HogwildBlock.stepCapacity)])
    }
  }

  /// What a writer reads; the last block is the one that it writes to.
  package func view(of writer: Int) -> [HogwildBlock] {
    var view = [prompt] + finished[layout == .private ? writer : 0]
    if layout == .combined {
      if let othersHeader { view.append(othersHeader) }
      for other in unfinished.indices where other != writer { view += unfinished[other] }
      if let ownHeader { view.append(ownHeader) }
    }
    return view + unfinished[writer]
  }

  /// Makes room for `rows` more rows of a writer.
  package func reserve(_ rows: Int, for writer: Int) throws(InferenceError) {
    guard let last = unfinished[writer].last, last.count + rows > last.capacity else { return }
    unfinished[writer].append(
      try HogwildBlock(shape: shape, capacity: HogwildBlock.stepCapacity))
  }

  /// Moves a writer's step behind the common text, and begins a new one.
  package func finishStep(of writer: Int) throws(InferenceError) {
    guard !unfinished[writer].isEmpty else { return }
    finished[layout == .private ? writer : 0] += unfinished[writer].filter { $0.count > 0 }
    unfinished[writer] = [try HogwildBlock(shape: shape, capacity: HogwildBlock.stepCapacity)]
  }

  /// Bytes in use.
  package var byteCount: Int {
    let headers = (othersHeader?.byteCount ?? 0) + (ownHeader?.byteCount ?? 0)
    return (finished + unfinished).reduce(prompt.byteCount + headers) { total, blocks in
      blocks.reduce(total) { $0 + $1.byteCount }
    }
  }
}
