/* base/yaml: what the reader of scalars and the reader of files share. Inside base only. */
#ifndef TIDEMILL_BASE_YAML_INT_H
#define TIDEMILL_BASE_YAML_INT_H

#include "base/yaml.h"

/* yaml_type_plain sets kind and value of a scalar without quotes by YAML 1.2's core schema
 * (specification 10.3.2). */
void yaml_type_plain(yaml *y);

#endif
