#pragma once

// All of the stream DSL: what a program includes.

#include "millrace/streams/builder.h"
#include "millrace/streams/codec.h"
#include "millrace/streams/distinct.h"
#include "millrace/streams/error_policy.h"
#include "millrace/streams/formats.h"
#include "millrace/streams/hash.h"
#include "millrace/streams/job.h"
#include "millrace/streams/record.h"
#include "millrace/streams/store.h"
#include "millrace/streams/stream.h"
#include "millrace/streams/table.h"
#include "millrace/streams/topology.h"
#include "millrace/streams/window.h"
