#include "server/handlers/handlers.h"

namespace millrace {

Task<protocol::DeleteTopicsResponse> handle(const protocol::DeleteTopicsRequest& request, HandlerContext& context) {
  using Deleted = std::vector<Result<DeletedTopic>>;
  std::vector<TopicRef> topics;
  for (const auto& asked : request.topics) topics.push_back(TopicRef{asked.name.value_or(""), asked.topic_id});
  for (const auto& name : request.topic_names) topics.push_back(TopicRef{name, TopicId{}});

  auto erase = [&](auto done) { context.broker().delete_topics(topics, done); };
  const Deleted deleted = co_await callback_result<Deleted>(erase);
  protocol::DeleteTopicsResponse response;
  for (std::size_t i = 0; i < deleted.size(); ++i) {
    auto& shown = response.responses.emplace_back();
    shown.topic_id = deleted[i] ? deleted[i]->id : topics[i].id;
    if (deleted[i]) {
      shown.name = deleted[i]->name;
      continue;
    }
    if (!topics[i].name.empty()) shown.name = topics[i].name;
    shown.error_code = deleted[i].error().code();
    shown.error_message = deleted[i].error().message();
  }
  co_return response;
}

}  // namespace millrace
