// Prints the prompts that llama.cpp's Jinja engine renders, one conversation a line on standard input.
//
//   llama_chat_judge MODEL                 with the template of a model file
//   llama_chat_judge - TEMPLATE BOS EOS    with a template file and the texts of its BOS and EOS tokens
//
// A conversation is a word - `generate` (open an answer), `closed` (do not) or `continue` (leave the last message open) -
// and messages `role:content`, the content in hexadecimal. The prompt comes out in hexadecimal, or `error`.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

#include "chat.h"
#include "llama.h"

static std::string from_hex(const std::string &hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) bytes.push_back((char)std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

int main(int count, char **arguments) {
  if (count < 2) return 2;
  llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
  const llama_model *model = nullptr;
  std::string text, bos, eos;
  if (std::string(arguments[1]) == "-") {
    if (count < 5) return 2;
    std::ifstream file(arguments[2], std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(file), {});
    bos = arguments[3];
    eos = arguments[4];
  } else {
    llama_backend_init();
    auto parameters = llama_model_default_params();
    parameters.vocab_only = true;
    model = llama_model_load_from_file(arguments[1], parameters);
    if (!model) return 1;
  }
  const auto templates = common_chat_templates_init(model, text, bos, eos);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    common_chat_templates_inputs inputs;
    inputs.use_jinja = true;
    inputs.add_generation_prompt = word == "generate";
    if (word == "continue") inputs.continue_final_message = COMMON_CHAT_CONTINUATION_CONTENT;
    while (words >> word) {
      const size_t colon = word.find(':');
      common_chat_msg message;
      message.role = word.substr(0, colon);
      message.content = from_hex(word.substr(colon + 1));
      inputs.messages.push_back(message);
    }
    try {
      for (const unsigned char c : common_chat_templates_apply(templates.get(), inputs).prompt) printf("%02x", c);
      printf("\n");
    } catch (const std::exception &) {
      printf("error\n");
    }
  }
  return 0;
}
