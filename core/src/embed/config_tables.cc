#include "millrace/config_tables.h"

#include "broker/broker_config.h"
#include "client/client_config.h"

namespace millrace {

std::vector<ConfigTable> core_config_tables() {
  return {broker_config_table(), topic_config_table(), producer_config_table(), consumer_config_table(),
          admin_config_table()};
}

}  // namespace millrace
