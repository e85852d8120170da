#include "millrace/config_tables.h"

#include "broker/broker_config.h"
#include "client/client_config.h"
#include "embed/metrics_report.h"

namespace millrace {

std::vector<ConfigTable> core_config_tables() {
  return {broker_config_table(),   topic_config_table(),    group_config_table(),
          producer_config_table(), consumer_config_table(), admin_config_table()};
}

std::string core_metrics_markdown() { return metrics_markdown(broker_metrics()); }

}  // namespace millrace
