// The only file that knows yaml-cpp, and the only one its exceptions reach.
#include <istream>
#include <streambuf>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "controller/kube/document_reader.h"

namespace portico::kube {
namespace {

// Reads a view in place; std::istringstream would copy it.
class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // never written: there is only a get area
    setg(begin, begin, begin + text.size());
  }
};

class Handler final : public YAML::EventHandler {
 public:
  Handler(DocumentBuilder& builder, int first_line) : builder_(builder), first_line_(first_line) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    // yaml-cpp takes a stray `]` or `}` for an empty document, and does not move on.
    if (mark.pos == document_pos_) {
      throw YAML::ParserException(mark, "not expected here");
    }
    document_pos_ = mark.pos;
    builder_.start();
  }
  void OnDocumentEnd() override { builder_.finish(); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(builder_.scalar(NodeKind::kNull, {}, line(mark), anchor), mark);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(builder_.alias(anchor, line(mark)), mark);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool plain = tag.size() == 1 && tag[0] == '?';
    check(builder_.scalar(plain ? NodeKind::kPlain : NodeKind::kString, value, line(mark), anchor),
          mark);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check(builder_.begin(NodeKind::kList, line(mark), anchor), mark);
  }
  void OnSequenceEnd() override { check(builder_.end(), YAML::Mark::null_mark()); }
  void OnMapStart(const YAML::Mark& mark, const std::string& /*tag*/, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check(builder_.begin(NodeKind::kMap, line(mark), anchor), mark);
  }
  void OnMapEnd() override { check(builder_.end(), YAML::Mark::null_mark()); }

 private:
  [[nodiscard]] int line(const YAML::Mark& mark) const { return first_line_ + mark.line; }
  static void check(DocumentBuilder::Refusal refusal, const YAML::Mark& mark) {
    if (refusal != nullptr) {
      throw YAML::ParserException(mark, refusal);
    }
  }

  DocumentBuilder& builder_;
  int first_line_;
  int document_pos_ = -1;
};

std::string_view line_of(std::string_view text, int number) {
  for (; number > 0; --number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text.substr(0, text.find('\n'));
}

bool is_indented_with_tab(std::string_view line) {
  const std::size_t first = line.find_first_not_of(' ');
  return first != std::string_view::npos && line[first] == '\t' &&
         line.find_first_not_of(" \t\r") != std::string_view::npos;
}

// yaml-cpp speaks of anything but the tab that confused it.
SyntaxError explain(const YAML::Exception& error, std::string_view text, int first_line) {
  const int at = error.mark.is_null() ? 0 : error.mark.line;
  for (int line = at; line >= 0 && line + 1 >= at; --line) {
    if (is_indented_with_tab(line_of(text, line))) {
      return {first_line + line, 1, "indented with a tab; YAML allows only spaces"};
    }
  }
  return {first_line + at, error.mark.is_null() ? 1 : error.mark.column + 1, error.msg};
}

bool holds_nothing(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first != std::string_view::npos && line[first] != '#' && line[0] != '%') {
      return false;
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return true;
}

bool starts_document(std::string_view line) {
  return line.starts_with("---") && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' ||
                                     line[3] == '\r' || line[3] == '\n');
}

}  // namespace

std::vector<YamlPart> split_yaml(std::string_view file) {
  std::vector<YamlPart> parts;
  std::size_t part_begin = 0;
  int part_line = 1;
  int line = 1;
  auto add = [&](std::size_t end) {
    const std::string_view text = file.substr(part_begin, end - part_begin);
    if (!holds_nothing(text)) {
      parts.push_back({text, part_line});
    }
  };
  for (std::size_t at = 0; at < file.size(); ++line) {
    if (at != 0 && starts_document(file.substr(at, 4))) {
      add(at);
      part_begin = at;
      part_line = line;
    }
    const std::size_t end = file.find('\n', at);
    at = end == std::string_view::npos ? file.size() : end + 1;
  }
  add(file.size());
  return parts;
}

std::optional<SyntaxError> read_yaml(std::string_view text, int first_line, Document& scratch,
                                     DocumentSink& sink) {
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  DocumentBuilder builder(scratch, sink);
  Handler handler(builder, first_line);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (const YAML::Exception& error) {
    return explain(error, text, first_line);
  } catch (const std::exception& error) {
    return SyntaxError{first_line, 1, error.what()};
  }
  return std::nullopt;
}

}  // namespace portico::kube
