#include <set>

#include "server/handlers/handlers.h"

// Until there is access control, what asks for it is told so, as a Kafka without an authorizer does.

namespace millrace {
namespace {

constexpr const char* kNoAccessControl = "this broker has no access control: everybody may do everything";
constexpr const char* kNoScram = "this broker does not serve SASL yet, so it keeps no credentials";

}  // namespace

protocol::DescribeAclsResponse handle(const protocol::DescribeAclsRequest&, HandlerContext&) {
  protocol::DescribeAclsResponse response;
  response.error_code = ErrorCode::kSecurityDisabled;
  response.error_message = kNoAccessControl;
  return response;
}

protocol::CreateAclsResponse handle(const protocol::CreateAclsRequest& request, HandlerContext&) {
  protocol::CreateAclsResponse response;
  response.results.resize(request.creations.size());
  for (auto& result : response.results) {
    result.error_code = ErrorCode::kSecurityDisabled;
    result.error_message = kNoAccessControl;
  }
  return response;
}

protocol::DeleteAclsResponse handle(const protocol::DeleteAclsRequest& request, HandlerContext&) {
  protocol::DeleteAclsResponse response;
  response.filter_results.resize(request.filters.size());
  for (auto& result : response.filter_results) {
    result.error_code = ErrorCode::kSecurityDisabled;
    result.error_message = kNoAccessControl;
  }
  return response;
}

/// Nobody has any; who is asked for by name is not found.
protocol::DescribeUserScramCredentialsResponse handle(const protocol::DescribeUserScramCredentialsRequest& request,
                                                      HandlerContext&) {
  protocol::DescribeUserScramCredentialsResponse response;
  if (!request.users) return response;
  for (const auto& user : *request.users) {
    auto& result = response.results.emplace_back();
    result.user = user.name;
    result.error_code = ErrorCode::kResourceNotFound;
    result.error_message = kNoScram;
  }
  return response;
}

protocol::AlterUserScramCredentialsResponse handle(const protocol::AlterUserScramCredentialsRequest& request,
                                                   HandlerContext&) {
  std::set<std::string> users;
  for (const auto& deletion : request.deletions) users.insert(deletion.name);
  for (const auto& upsertion : request.upsertions) users.insert(upsertion.name);
  protocol::AlterUserScramCredentialsResponse response;
  for (const auto& user : users) {
    auto& result = response.results.emplace_back();
    result.user = user;
    result.error_code = ErrorCode::kUnsupportedSaslMechanism;
    result.error_message = kNoScram;
  }
  return response;
}

}  // namespace millrace
