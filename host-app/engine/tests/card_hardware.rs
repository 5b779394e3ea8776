//! Shared memory on a real card: what was drawn through Vulkan, as CUDA sees it, byte for byte. Needs a driver of NVIDIA and
//! a Vulkan adapter on the same card, but no encoder, so that compute cards do. Elsewhere it says why and passes.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed expectation is what a test reports")]

use rr_encode::CardId;
use rr_engine::{AdapterChoice, Gpu, try_pictures_on_card};
use rr_nvenc::probe;

#[test]
fn a_real_card_shows_cuda_what_vulkan_drew() {
    let cards = match probe::cuda_cards(probe::cuda_library()) {
        Ok(cards) => cards,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let gpu = match Gpu::headless(AdapterChoice::Hardware) {
        Ok(gpu) => gpu,
        Err(reason) => return println!("skipped: {reason}"),
    };
    let name = &gpu.info().name;
    // A card of NVIDIA whose Vulkan driver does not share is a fault, another card is none.
    let share = match gpu.share() {
        Ok(share) => share,
        Err(reason) if name.contains("NVIDIA") => panic!("{name}: {reason}"),
        Err(reason) => return println!("skipped: {name}: {reason}"),
    };
    if !cards.contains(&CardId(share.card())) {
        return println!("skipped: CUDA has {cards:?}, and {name} is {}", CardId(share.card()));
    }
    println!("{name}: {:?}", share.fence_mode());
    for size in [(640, 360), (1282, 718), (1920, 1080), (3840, 2160), (640, 360)] {
        let how = try_pictures_on_card(AdapterChoice::Hardware, size).unwrap();
        println!("{}x{}: {how}", size.0, size.1);
    }
}
