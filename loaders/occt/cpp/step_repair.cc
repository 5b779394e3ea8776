#include "step_repair.h"

#include <Interface_EntityIterator.hxx>
#include <StepRepr_HArray1OfRepresentationItem.hxx>
#include <StepRepr_Representation.hxx>
#include <StepRepr_RepresentationItem.hxx>
#include <StepShape_ConnectedFaceSet.hxx>
#include <StepShape_Face.hxx>
#include <StepShape_HArray1OfFace.hxx>

#include <unordered_set>
#include <vector>

namespace rr_occt {
namespace {

/// The list without `unwanted`; null when nothing is left of it.
template <class List, class Item> Ref<List> without(const Ref<List>& list, const Ref<Item>& unwanted) {
  std::vector<Ref<Item>> kept;
  if (!list.IsNull())
    for (int i = list->Lower(); i <= list->Upper(); i++)
      if (!list->Value(i).IsNull() && list->Value(i) != unwanted) kept.push_back(list->Value(i));
  if (kept.empty()) return Ref<List>();
  Ref<List> shorter = new List(1, static_cast<int>(kept.size()));
  for (std::size_t i = 0; i < kept.size(); i++) shorter->SetValue(static_cast<int>(i) + 1, kept[i]);
  return shorter;
}

}  // namespace

int count_damaged(const Ref<StepData_StepModel>& model) {
  int count = 0;
  for (int i = 1; i <= model->NbEntities(); i++)
    if (model->IsErrorEntity(i)) count++;
  return count;
}

int drop_damaged(const Ref<StepData_StepModel>& model, const Interface_Graph& graph) {
  std::vector<Ref<Standard_Transient>> queue;
  std::unordered_set<const void*> damaged;
  const auto add = [&](const Ref<Standard_Transient>& entity) {
    if (damaged.insert(entity.get()).second) queue.push_back(entity);
  };
  for (int i = 1; i <= model->NbEntities(); i++)
    if (model->IsErrorEntity(i)) add(model->Value(i));
  int dropped = 0;
  for (std::size_t next = 0; next < queue.size(); next++) {
    const Ref<Standard_Transient> entity = queue[next];
    for (Interface_EntityIterator users = graph.Sharings(entity); users.More(); users.Next()) {
      const Ref<Standard_Transient>& user = users.Value();
      const auto shell = Ref<StepShape_ConnectedFaceSet>::DownCast(user);
      const auto representation = Ref<StepRepr_Representation>::DownCast(user);
      if (!shell.IsNull()) {
        // A shell with holes is better than none.
        const auto face = Ref<StepShape_Face>::DownCast(entity);
        const auto rest = without<StepShape_HArray1OfFace, StepShape_Face>(shell->CfsFaces(), face);
        dropped++;
        if (rest.IsNull()) add(shell);
        else shell->SetCfsFaces(rest);
      } else if (!representation.IsNull()) {
        const auto item = Ref<StepRepr_RepresentationItem>::DownCast(entity);
        const auto rest =
            without<StepRepr_HArray1OfRepresentationItem, StepRepr_RepresentationItem>(representation->Items(), item);
        dropped++;
        if (!rest.IsNull()) representation->SetItems(rest);
      } else if (user->IsKind(STANDARD_TYPE(StepRepr_RepresentationItem))) {
        add(user);
      }
    }
  }
  return dropped;
}

}  // namespace rr_occt
