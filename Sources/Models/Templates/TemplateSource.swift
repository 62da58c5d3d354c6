/// The text of a template, spelled uniformly so that the strings in it can be compared.
struct TemplateSource {
  let text: String
  /// The same without any space or line break.
  let dense: String
  let bos: String
  let eos: String

  init(_ source: String, bos: String, eos: String) {
    var text = source.replacing("\\n", with: "\n").replacing("\"", with: "'")
    for name in ["role", "content"] {
      text = text.replacing("message.\(name)", with: "message['\(name)']")
    }
    self.text = text
    dense = String(
      text.unicodeScalars.filter { !" \n\t\r".unicodeScalars.contains($0) }.map(Character.init))
    self.bos = bos
    self.eos = eos
  }

  func contains(_ string: String) -> Bool { text.contains(string) }

  /// Something that changes prompts in ways that no family knows.
  var unsupportedWord: String? {
    let words = [
      "<think>", "enable_thinking", "reasoning", "default_system_message", "<|channel|>",
      "[SYSTEM_PROMPT]{", "loop_times", "documents",
    ]
    if let word = words.first(where: text.contains) { return word }
    // Tools are left out of prompts, so a template must not speak of them unless it is given some.
    return contains("<tools>") && !dense.contains("iftools") ? "<tools>" : nil
  }

  /// The template, where its family is known.
  func template() -> ChatTemplate? {
    if contains("<|im_start|>") { return contains("<|im_sep|>") ? phi4() : chatML() }
    if contains("[INST]") { return contains("<<SYS>>") ? llama2() : mistral() }
    if contains("<|assistant|>"), contains("<|end|>") { return phi3() }
    if contains("<|user|>"), contains("<|assistant|>") { return zephyr() }
    if contains("<start_of_turn>") { return gemma() }
    if contains("<|start_header_id|>") { return llama3() }
    return nil
  }

  /// Turns that all look alike but for the name in them.
  private func turns(
    _ family: ChatTemplate.Family, before: (String) -> String, after: String
  ) -> ChatTemplate {
    var template = ChatTemplate(family: family, before: [:], after: [:])
    for role in TemplateRole.allCases {
      template.before[role] = before(role.rawValue)
      template.after[role] = after
    }
    return template
  }

  private var trimsContent: Bool { dense.contains("message['content']|trim") }

  // MARK: Families

  private func chatML() -> ChatTemplate? {
    guard contains("<|im_end|>"), contains("add_generation_prompt"),
      !contains("<end_of_utterance>"), dense.contains("'<|im_start|>'+message['role']+'")
    else { return nil }
    var template = turns(.chatML, before: { "<|im_start|>\($0)\n" }, after: "<|im_end|>\n")
    template.answer = "<|im_start|>assistant\n"
    if trimsContent { template.trimmedRoles = Set(TemplateRole.allCases) }
    switch defaultChatMLSystem() {
    case .none: break
    case .text(let text): template.defaultSystem = text
    case .several: return nil
    }
    return template
  }

  private enum DefaultSystem {
    case none
    case text(String)
    case several
  }

  /// The text of a system turn that stands whole in the template.
  private func defaultChatMLSystem() -> DefaultSystem {
    var found: DefaultSystem = .none
    for part in text.split(separator: "<|im_start|>system\n", omittingEmptySubsequences: false)
      .dropFirst()
    {
      guard let end = part.firstRange(of: "<|im_end|>") else { continue }
      let system = part[..<end.lowerBound]
      if system.contains("'") || system.contains("{") || system.contains("}") { continue }
      if case .none = found { found = .text(String(system)) } else { return .several }
    }
    return found
  }

  private func llama2() -> ChatTemplate? {
    guard dense.contains("bos_token+'[INST]'+content.strip()+'[/INST]'"),
      contains("'[INST] '"), contains("' [/INST]'"), contains("' ' + eos_token"),
      dense.contains("''+content.strip()+''+eos_token"),
      contains("'<<SYS>>\n' + system_message + '\n<</SYS>>\n\n'"),
      !dense.contains("system_message='")
    else { return nil }
    var template = ChatTemplate(
      family: .llama2, before: [.user: bos + "[INST] ", .assistant: " "],
      after: [.user: " [/INST]", .assistant: " " + eos])
    template.system = .marked(before: "<<SYS>>\n", after: "\n<</SYS>>\n\n")
    template.trimmedRoles = [.user, .assistant]
    return template
  }

  private func mistral() -> ChatTemplate? {
    guard let open = [" [INST] ", "[INST] ", "[INST]"].first(where: { contains("'\($0)'") }),
      let close = [" [/INST]", "[/INST]"].first(where: { contains("'\($0)'") }),
      dense.contains("message['content']+eos_token")
        || dense.contains("message['content']|trim+eos_token")
    else { return nil }
    let space = contains("' ' + message['content']") ? " " : ""
    var template = ChatTemplate(
      family: .mistral, before: [.user: open, .assistant: space],
      after: [.user: close, .assistant: eos])
    if trimsContent { template.trimmedRoles = [.assistant] }
    if contains("[SYSTEM_PROMPT]") {
      guard
        let mark = ["[SYSTEM_PROMPT] ", "[SYSTEM_PROMPT]"].first(where: { contains("'\($0)'") }),
        contains("'[/SYSTEM_PROMPT]'")
      else { return nil }
      template.system = .markedTurn(before: mark, after: "[/SYSTEM_PROMPT]")
    } else if dense.contains("loop.lastandsystem_message") {
      template.system = .lastUser(separator: "\n\n")
    } else if dense.contains("loop.firstandsystem_message") {
      template.system = .prefixed(separator: "\n\n")
    } else if contains("system_message") {
      return nil
    } else {
      template.system = .joined(separator: "\n")
    }
    return template
  }

  private func phi4() -> ChatTemplate? {
    guard dense.contains("user<|im_sep|>'+message['content']+'<|im_end|>") else { return nil }
    var template = turns(.phi, before: { "<|im_start|>\($0)<|im_sep|>" }, after: "<|im_end|>")
    template.answer = "<|im_start|>assistant<|im_sep|>"
    return contains("add_generation_prompt") ? template : answering(template)
  }

  private func phi3() -> ChatTemplate? {
    let isGeneric = dense.contains("'<|'+message['role']+'|>")
    guard isGeneric || contains("<|user|>") else { return nil }
    var template = turns(.phi, before: { "<|\($0)|>\n" }, after: "<|end|>\n")
    template.answer = "<|assistant|>\n"
    if !isGeneric, !contains("<|system|>") { template.system = .joined(separator: "\n") }
    template.skipsEmptySystem = dense.contains("=='system'andmessage['content']")
    guard contains("add_generation_prompt") else { return answering(template) }
    if dense.contains("else%}{{eos_token}}") { template.end = eos }
    return template
  }

  /// The same template where the user's turn ends with the beginning of the answer.
  private func answering(_ template: ChatTemplate) -> ChatTemplate {
    var template = template
    template.after[.user, default: ""] += template.answer
    template.before[.assistant] = ""
    template.answer = ""
    return template
  }

  private func zephyr() -> ChatTemplate? {
    guard dense.contains("'<|user|>'+message['content']+eos_token"),
      dense.contains("'<|assistant|>'+message['content']+eos_token"),
      contains("add_generation_prompt")
    else { return nil }
    var template = turns(.zephyr, before: { "<|\($0)|>\n" }, after: eos + "\n")
    template.answer = "<|assistant|>\n"
    if !contains("<|system|>") { template.system = .joined(separator: "\n") }
    return template
  }

  private func gemma() -> ChatTemplate? {
    guard contains("<end_of_turn>"), contains("add_generation_prompt"), trimsContent,
      dense.contains("'<start_of_turn>'+role+'"), contains("'model'")
    else { return nil }
    var template = turns(
      .gemma, before: { "<start_of_turn>\($0 == "assistant" ? "model" : $0)\n" },
      after: "<end_of_turn>\n")
    template.answer = "<start_of_turn>model\n"
    template.trimmedRoles = Set(TemplateRole.allCases)
    if dense.contains("first_user_prefix=messages[0]['content']+'") {
      template.system = .prefixed(separator: "\n\n")
    } else {
      template.system = .joined(separator: "\n")
    }
    return template
  }

  private func llama3() -> ChatTemplate? {
    guard trimsContent, contains("<|eot_id|>"),
      dense.contains(
        "'<|start_header_id|>'+message['role']+'<|end_header_id|>'+message['content']|trim+'<|eot_id|>'"
      )
    else { return nil }
    var template = turns(
      .llama3, before: { "<|start_header_id|>\($0)<|end_header_id|>\n\n" }, after: "<|eot_id|>")
    template.answer = "<|start_header_id|>assistant<|end_header_id|>\n\n"
    template.alwaysAnswers = !contains("add_generation_prompt")
    template.trimmedRoles = Set(TemplateRole.allCases)
    if contains("Cutting Knowledge Date") {
      guard contains("Cutting Knowledge Date: December 2023\n"),
        contains("'Today Date: ' + date_string + '\n\n'")
      else { return nil }
      template.systemPreamble = "Cutting Knowledge Date: December 2023\nToday Date: {date}\n\n"
    } else if contains("system_message") || contains("tools") {
      return nil
    }
    return template
  }
}
