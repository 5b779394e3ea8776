#include "guard.h"

#include "rr-occt/src/lib.rs.h"

#include <Message.hxx>
#include <Message_Messenger.hxx>
#include <OSD_Parallel.hxx>
#include <OSD_ThreadPool.hxx>

namespace rr_occt {

void StepProgress::Show(const Message_ProgressScope&, const Standard_Boolean) {
  if (!observer_.progress(Stage::Translating, from_ + share_ * GetPosition())) stop_ = Standard_True;
}

void prepare_kernel(const Settings& settings) {
  // The kernel reports on standard output, which is not its own here.
  Message::DefaultMessenger()->ChangePrinters().Clear();
  OSD_Parallel::SetUseOcctThreads(Standard_True);
  OSD_ThreadPool::DefaultPool(static_cast<int>(settings.threads));
}

}  // namespace rr_occt
