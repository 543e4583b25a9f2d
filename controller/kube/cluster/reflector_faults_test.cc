// Every fault at every step: whatever happens, all is known again soon after, and nothing that was
// there all the time is ever told as gone.
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/kube/cluster/reflector.h"
#include "controller/kube/cluster/testing/model_server.h"

namespace portico::kube {
namespace {

using namespace std::chrono_literals;
using testing::ModelServer;

constexpr std::size_t kKind = kind_index<Service>();

ObjectKey key(const std::string& name) {
  return {kKind, "shop", name};
}

std::string port(int number) {
  return R"("spec":{"ports":[{"port":)" + std::to_string(number) + "}]}";
}

// A server, a reflector, the wire between them and the clock, a step at a time.
class Trial {
 public:
  Trial() {
    for (int i = 0; i < 7; ++i) {
      server_.put(key("kept-" + std::to_string(i)), port(80));
    }
    server_.put(key("gone"), port(80));
  }

  // What `next` asks for is done, but at step `fault_at` `fault` happens in its place. True where
  // all is known within the time.
  bool go(int fault_at, const std::function<void(Trial&)>& fault) {
    const auto limit = now_ + 60s;
    for (int step = 0; step < 400 && now_ < limit; ++step) {
      change_the_world(step);
      act();
      if (step == fault_at && (calling_ || streaming_)) {
        fault(*this);
      } else {
        behave();
      }
      collect();
      if (step > fault_at && step > 12 && is_caught_up()) {
        return true;
      }
    }
    return false;
  }

  void answer(const ApiResponse& response) {
    if (calling_) {
      reflector_.on_answer(response, now_);
    } else if (open_) {
      reflector_.on_piece(ModelServer::error_event(response.status), now_);
    } else {
      reflector_.on_refused(response, now_);
    }
  }
  void fail(ApiFailure::Kind kind) { reflector_.on_failure({kind, "no way"}, now_); }
  void garble() {
    if (calling_) {
      reflector_.on_answer({.status = 200, .retry_after = {}, .body = "{\"items\":[}"}, now_);
      return;
    }
    open();
    reflector_.on_piece("{\"type\":\"ADDED\",\"obj\n\x01\x02\n{}\n[]\n\n", now_);
  }
  void cut_within_an_event() {
    open();
    if (open_) {
      reflector_.on_piece("{\"type\":\"ADDED\",\"object\":{\"metada", now_);
    }
    fail(ApiFailure::Kind::kCut);
  }
  void end() {
    open();
    reflector_.on_end(now_);
  }
  void stall() { now_ += 700s; }
  void compact() { server_.compact(); }
  [[nodiscard]] bool streaming() const { return streaming_; }
  [[nodiscard]] int requests() const { return requests_; }
  [[nodiscard]] const std::set<std::string>& deleted() const { return deleted_; }
  [[nodiscard]] std::string told() const {
    std::string text;
    for (const auto& [name, object] : told_) {
      text += name + ":" + std::to_string(object) + " ";
    }
    return text;
  }

 private:
  void change_the_world(int step) {
    switch (step) {
      case 2:
        server_.put(key("new"), port(81));
        break;
      case 4:
        server_.put(key("kept-1"), port(82));
        break;
      case 6:
        server_.remove(key("gone"));
        break;
      case 8:
        server_.put(key("late"), port(83));
        break;
      default:
        break;
    }
  }

  void act() {
    auto action = reflector_.next(now_);
    until_ = action.until;
    if (action.what == Reflector::Action::Do::kGoOn) {
      return;
    }
    calling_ = action.what == Reflector::Action::Do::kCall;
    streaming_ = action.what == Reflector::Action::Do::kStream;
    open_ = false;
    cursor_ = 0;
    target_ = action.request.target;
    requests_ += calling_ || streaming_ ? 1 : 0;
  }

  void open() {
    if (streaming_ && !open_) {
      open_ = true;
      reflector_.on_open(now_);
    }
  }

  void behave() {
    now_ += 10ms;
    if (calling_) {
      calling_ = false;
      reflector_.on_answer(server_.list(target_), now_);
    } else if (streaming_) {
      stream();
    } else {
      now_ = std::max(now_, until_);
    }
    if (now_ >= until_) {
      reflector_.on_time(now_);
    }
  }

  void stream() {
    auto events = server_.watch(target_, cursor_);
    if (!events) {
      streaming_ = false;
      reflector_.on_refused(events.error(), now_);
      return;
    }
    open();
    for (const char c : *events + server_.bookmark(target_)) {
      reflector_.on_piece({&c, 1}, now_);
    }
  }

  void collect() {
    for (const Change& change : reflector_.take_changes()) {
      if (change.object == nullptr) {
        deleted_.insert(change.key.name);
        told_.erase(change.key.name);
      } else {
        told_[change.key.name] = std::get<Service>(*change.object).ports.at(0).port;
      }
    }
  }

  [[nodiscard]] bool is_caught_up() const {
    std::map<std::string, int> real;
    for (const auto& [where, fields] : server_.state()) {
      real[where.name] = std::stoi(fields.substr(fields.rfind(':') + 1));
    }
    return real == told_ && open_ && reflector_.failures() == 0;
  }

  ModelServer server_{3};
  Reflector reflector_{{.kind = kKind, .namespace_ = "shop"}, 7};
  Reflector::Time now_{1000s};
  Reflector::Time until_;
  bool calling_ = false, streaming_ = false, open_ = false;
  std::string target_;
  std::uint64_t cursor_ = 0;
  int requests_ = 0;
  std::map<std::string, int> told_;
  std::set<std::string> deleted_;
};

struct Fault {
  const char* name;
  std::function<void(Trial&)> happens;
  int most_requests = 25;
};

void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

class ReflectorSurvives : public ::testing::TestWithParam<Fault> {};

TEST_P(ReflectorSurvives, AtEveryStep) {
  for (int step = -1; step < 30; ++step) {
    Trial trial;
    EXPECT_TRUE(trial.go(step, GetParam().happens)) << "step " << step << ": " << trial.told();
    EXPECT_LE(trial.requests(), GetParam().most_requests) << "step " << step;
    for (const std::string& name : trial.deleted()) {
      EXPECT_EQ(name, "gone") << "step " << step;
    }
  }
}

ApiResponse busy(int status) {
  ApiResponse response = ModelServer::refusal(status);
  response.retry_after = std::chrono::seconds(2);
  return response;
}

INSTANTIATE_TEST_SUITE_P(
    All, ReflectorSurvives,
    ::testing::Values(
        Fault{"NobodyThere", [](Trial& trial) { trial.fail(ApiFailure::Kind::kConnect); }},
        Fault{"Cut", [](Trial& trial) { trial.fail(ApiFailure::Kind::kCut); }},
        Fault{"TimedOut", [](Trial& trial) { trial.fail(ApiFailure::Kind::kTimedOut); }},
        Fault{"TooLarge", [](Trial& trial) { trial.fail(ApiFailure::Kind::kTooLarge); }},
        Fault{"NoHttp", [](Trial& trial) { trial.fail(ApiFailure::Kind::kProtocol); }},
        Fault{"BadRequest", [](Trial& trial) { trial.answer(ModelServer::refusal(400)); }},
        Fault{"Unauthorized", [](Trial& trial) { trial.answer(ModelServer::refusal(401)); }},
        Fault{"Forbidden", [](Trial& trial) { trial.answer(ModelServer::refusal(403)); }},
        Fault{"NotFound", [](Trial& trial) { trial.answer(ModelServer::refusal(404)); }},
        Fault{"Expired", [](Trial& trial) { trial.answer(ModelServer::refusal(410)); }},
        Fault{"TooMany", [](Trial& trial) { trial.answer(busy(429)); }},
        Fault{"Unavailable", [](Trial& trial) { trial.answer(busy(503)); }},
        Fault{"Broken", [](Trial& trial) { trial.answer(ModelServer::refusal(500)); }},
        Fault{"Garbled", [](Trial& trial) { trial.garble(); }},
        Fault{"CutWithinAnEvent", [](Trial& trial) { trial.cut_within_an_event(); }},
        Fault{"EndsAtOnce", [](Trial& trial) { trial.end(); }},
        Fault{"Compacted", [](Trial& trial) { trial.compact(); }},
        Fault{"CompactedAndCut",
              [](Trial& trial) {
                trial.compact();
                trial.fail(ApiFailure::Kind::kCut);
              }}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace portico::kube
