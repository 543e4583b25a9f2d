// Kubernetes' MicroTime: "2026-11-23T04:05:06.123456Z".
#pragma once

#include <chrono>
#include <string>

namespace portico::status {

std::string micro_time(std::chrono::system_clock::time_point time);

}  // namespace portico::status
