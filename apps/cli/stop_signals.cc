#include "cli/stop_signals.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace millrace::cli {

Result<StopSignals> StopSignals::block() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  if (const int error = pthread_sigmask(SIG_BLOCK, &signals, nullptr); error != 0) {
    return fail_errno(error, "cannot block signals");
  }
  const int descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (descriptor < 0) return fail_errno(errno, "cannot watch for signals");
  return StopSignals{descriptor};
}

StopSignals::~StopSignals() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace millrace::cli
