#include "coordinator/stored_consumer_group.h"

namespace millrace {
namespace {

template <class Values, class Value>
void put_or_erase(Values& values, const std::string& key, const std::optional<Value>& value) {
  if (value) {
    values.insert_or_assign(key, *value);
  } else {
    values.erase(key);
  }
}

}  // namespace

void StoredConsumerGroup::apply(const protocol::ConsumerGroupMetadataRecord& record) { group = record.value; }

void StoredConsumerGroup::apply(const protocol::ConsumerGroupPartitionMetadataRecord&) {
  // A broker before 4.1 wrote it. The hash is not what it says, so the topics are looked at anew.
}

void StoredConsumerGroup::apply(const protocol::ConsumerGroupMemberMetadataRecord& record) {
  put_or_erase(members, record.key.member_id, record.value);
}

void StoredConsumerGroup::apply(const protocol::ConsumerGroupTargetAssignmentMetadataRecord& record) {
  target_epoch = record.value ? record.value->assignment_epoch : 0;
}

void StoredConsumerGroup::apply(const protocol::ConsumerGroupTargetAssignmentMemberRecord& record) {
  put_or_erase(targets, record.key.member_id, record.value);
}

void StoredConsumerGroup::apply(const protocol::ConsumerGroupCurrentMemberAssignmentRecord& record) {
  put_or_erase(current, record.key.member_id, record.value);
}

void StoredConsumerGroup::apply(const protocol::ConsumerGroupRegularExpressionRecord& record) {
  put_or_erase(patterns, record.key.regular_expression, record.value);
}

}  // namespace millrace
