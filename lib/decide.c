#include "lib/work.h"
