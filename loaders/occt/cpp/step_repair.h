// Damaged STEP files: what leads to entities that are missing or make no sense is taken out before it is translated,
// because the kernel follows every reference without looking.
#pragma once

#include <Interface_Graph.hxx>
#include <StepData_StepModel.hxx>

#include "common.h"

namespace rr_occt {

/// Takes damaged faces out of their shells, and damaged items out of their representations. Gives their number.
int drop_damaged(const Ref<StepData_StepModel>& model, const Interface_Graph& graph);

/// Number of entities in which the reader met damage.
int count_damaged(const Ref<StepData_StepModel>& model);

}  // namespace rr_occt
