// std::mutex, known to clang's thread-safety analysis.
#pragma once

#include <mutex>

#if defined(__clang__)
#define PORTICO_ANNOTATE(...) __attribute__((__VA_ARGS__))
#else
#define PORTICO_ANNOTATE(...)
#endif
#define PORTICO_GUARDED_BY(mutex) PORTICO_ANNOTATE(guarded_by(mutex))
#define PORTICO_REQUIRES(...) PORTICO_ANNOTATE(requires_capability(__VA_ARGS__))

namespace portico::tls {

class PORTICO_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() PORTICO_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() PORTICO_ANNOTATE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class PORTICO_ANNOTATE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) PORTICO_ANNOTATE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() PORTICO_ANNOTATE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace portico::tls
