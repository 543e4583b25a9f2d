#include "proxy/http/date.h"

#include <ctime>

namespace portico::http {
namespace {

void put_two_digits(char* to, unsigned value) {
  to[0] = static_cast<char>('0' + value / 10 % 10);
  to[1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string_view DateCache::at(std::chrono::system_clock::time_point time) {
  namespace chrono = std::chrono;
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto second = chrono::floor<chrono::seconds>(time);
  if (second != rendered_) {
    const auto day = chrono::floor<chrono::days>(second);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss clock(second - day);
    std::string_view("DDD, dd MMM yyyy hh:mm:ss GMT").copy(text_.data(), kBytes);
    kDays.copy(&text_[0], 3, chrono::weekday(day).c_encoding() * 3);
    put_two_digits(&text_[5], static_cast<unsigned>(date.day()));
    kMonths.copy(&text_[8], 3, (static_cast<unsigned>(date.month()) - 1) * 3);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    put_two_digits(&text_[12], year / 100);
    put_two_digits(&text_[14], year % 100);
    put_two_digits(&text_[17], static_cast<unsigned>(clock.hours().count()));
    put_two_digits(&text_[20], static_cast<unsigned>(clock.minutes().count()));
    put_two_digits(&text_[23], static_cast<unsigned>(clock.seconds().count()));
    rendered_ = second;
  }
  return {text_.data(), text_.size()};
}

std::string_view DateCache::now() {
  // The coarse clock is a quarter of the price and exact to the tick, of which nothing is seen in
  // seconds.
  timespec coarse{};
  clock_gettime(CLOCK_REALTIME_COARSE, &coarse);
  return at(std::chrono::system_clock::from_time_t(coarse.tv_sec));
}

}  // namespace portico::http
