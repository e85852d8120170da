#include "embed/kafka_loader.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "client/kafka_module.h"

namespace millrace {
namespace {

namespace fs = std::filesystem;

/// The file that this code was linked into.
fs::path own_file() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&open_kafka_client), &info) == 0 || info.dli_fname == nullptr) return {};
  std::error_code ignored;
  auto file = fs::canonical(info.dli_fname, ignored);
  // A program that was found by its name alone.
  if (ignored) file = fs::canonical("/proc/self/exe", ignored);
  return file;
}

std::vector<std::string> places() {
  std::vector<std::string> found;
  if (const auto folder = own_file().parent_path(); !folder.empty()) {
    found.push_back((folder / kKafkaModuleFile).string());
    found.push_back((folder.parent_path() / "lib/millrace" / kKafkaModuleFile).string());
  }
  found.push_back(fmt::format("{}/{}", MILLRACE_MODULES, kKafkaModuleFile));
  return found;
}

Result<const KafkaModule*> load() {
  const auto looked = places();
  void* library = nullptr;
  for (const auto& place : looked) {
    std::error_code ignored;
    if (!fs::exists(place, ignored)) continue;
    library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library != nullptr) break;
    // It is there and cannot be used: librdkafka is missing, most likely.
    return fail(ErrorCode::kUnsupported, fmt::format("cannot load the Kafka client: {}", ::dlerror()));
  }
  if (library == nullptr) library = ::dlopen(kKafkaModuleFile, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the Kafka client is not here: {} is in none of {}. Build the target millrace_kafka, or "
                            "install it beside the program",
                            kKafkaModuleFile, fmt::join(looked, ", ")));
  }
  const auto* const found = static_cast<const KafkaModule*>(::dlsym(library, kKafkaModuleSymbol));
  if (found == nullptr) {
    return fail(ErrorCode::kUnsupported, fmt::format("{} is no module of Millrace", kKafkaModuleFile));
  }
  if (std::string_view{found->version} != MILLRACE_VERSION) {
    return fail(ErrorCode::kUnsupported, fmt::format("{} is of version {}, and this is {}: install both from one build",
                                                     kKafkaModuleFile, found->version, MILLRACE_VERSION));
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<Client>> open_kafka_client(std::string_view brokers, const Properties& properties,
                                                  Logger* logger) {
  auto loaded = load();
  if (!loaded) return std::unexpected(std::move(loaded).error().in(fmt::format("cannot open \"kafka:{}\"", brokers)));
  return (*loaded)->open(brokers, properties, logger);
}

}  // namespace millrace
