//! Groups of equipment that work together: a line, a row of machines, a store. All are equally wide, so that they stand
//! along straight aisles. Metres; x along the aisle, y to the back, the origin at the front left corner.

use super::Model::{
    self, AirCompressor, BeltConveyor, CncLathe, Forklift, GantryCrane, HeatExchanger, HydraulicPress,
    InjectionMoulder, LaserCutter, MachiningCell, PalletLoaded, ProcessTank, RobotArm, RobotArmLarge, RollerLong,
    RollerShort, SafetyFence, StorageRack, SwitchCabinets, TunnelOven,
};

/// Width of every block.
pub const WIDTH: f64 = 26.0;

/// Makes one block.
type Make = fn() -> Block;

/// The kinds of blocks in the order in which they fill the hall from front to back.
pub const CYCLE: [Make; 10] =
    [moulding, pressing, sheet_metal, painting, machining, turning, die_store, packing, storage, utilities];

/// A device of a block.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// What it is.
    pub model: Model,
    /// Along the aisle.
    pub x: f64,
    /// To the back.
    pub y: f64,
    /// Degrees, counter-clockwise seen from above.
    pub turn: f64,
}

/// A group of devices and how they are linked.
#[derive(Debug)]
pub struct Block {
    /// What people call it.
    pub title: &'static str,
    /// From its front to its back.
    pub depth: f64,
    /// Its devices, the important ones first.
    pub items: Vec<Item>,
    /// Source and target among the items, and the type; the important ones first.
    pub links: Vec<(usize, usize, &'static str)>,
}

impl Block {
    fn new(title: &'static str, depth: f64) -> Self {
        Self { title, depth, items: Vec::new(), links: Vec::new() }
    }

    fn put(&mut self, model: Model, x: f64, y: f64, turn: f64) -> usize {
        self.items.push(Item { model, x, y, turn });
        self.items.len() - 1
    }

    /// A row along x of devices that stand `step` apart.
    fn row(&mut self, model: Model, count: usize, x: f64, step: f64, y: f64) -> Vec<usize> {
        (0..count).map(|i| self.put(model, x + step * i as f64, y, 0.0)).collect()
    }

    fn link(&mut self, source: usize, target: usize, kind: &'static str) {
        self.links.push((source, target, kind));
    }

    /// Keeps the first devices only.
    pub fn truncate(&mut self, count: usize) {
        self.items.truncate(count);
        self.links.retain(|&(a, b, _)| a < count && b < count);
    }
}

const FLOW: &str = "production_flow";

/// Three moulding machines, unloaded by robots onto one conveyor; a large robot stacks pallets.
fn moulding() -> Block {
    let mut b = Block::new("Moulding line", 9.2);
    let machines = b.row(InjectionMoulder, 3, 4.0, 8.0, 6.4);
    let robots: Vec<_> = (0..3).map(|i| b.put(RobotArm, 2.8 + 8.0 * f64::from(i), 3.9, 90.0)).collect();
    let belt = b.row(RollerShort, 7, 1.7, 3.05, 2.4);
    let stacker = b.put(RobotArmLarge, 23.0, 2.4, 0.0);
    let cabinets = b.put(SwitchCabinets, 12.0, 8.6, 0.0);
    let pallets = b.row(PalletLoaded, 3, 21.0, 1.8, 0.8);
    b.put(PalletLoaded, 24.6, 4.4, 0.0);
    b.row(SafetyFence, 7, 1.4, 2.2, 1.2);
    b.link(machines[0], robots[0], FLOW);
    b.link(robots[0], belt[0], FLOW);
    b.link(belt[6], stacker, FLOW);
    b.link(stacker, pallets[1], "material");
    b.link(cabinets, machines[1], "power");
    b.link(machines[1], robots[1], FLOW);
    b.link(machines[2], robots[2], FLOW);
    b
}

/// Four presses in tandem; robots hand the sheet from one to the next.
fn pressing() -> Block {
    let mut b = Block::new("Press line", 8.6);
    let presses = b.row(HydraulicPress, 4, 4.3, 5.4, 4.6);
    let robots = b.row(RobotArm, 3, 6.3, 5.4, 4.6);
    let infeed = b.put(BeltConveyor, 1.3, 4.6, 0.0);
    let outfeed = b.put(RollerShort, 23.8, 4.6, 0.0);
    let cabinets = b.row(SwitchCabinets, 2, 7.0, 10.8, 8.0);
    b.row(SafetyFence, 8, 2.6, 2.2, 2.3);
    let pallets = b.row(PalletLoaded, 4, 19.0, 1.6, 0.9);
    b.link(infeed, presses[0], FLOW);
    b.link(presses[0], robots[0], FLOW);
    b.link(robots[0], presses[1], FLOW);
    b.link(presses[3], outfeed, FLOW);
    b.link(cabinets[0], presses[1], "control");
    b.link(outfeed, pallets[3], "material");
    b
}

/// Two laser cutters; sheets arrive by forklift, parts leave on conveyors.
fn sheet_metal() -> Block {
    let mut b = Block::new("Sheet metal", 9.0);
    let lasers = b.row(LaserCutter, 2, 5.6, 12.4, 6.0);
    let sorters = b.row(RobotArmLarge, 2, 10.6, 12.4, 6.0);
    let conveyors = b.row(RollerLong, 4, 2.9, 5.1, 2.4);
    let stacker = b.put(RobotArm, 21.6, 2.4, 0.0);
    let truck = b.put(Forklift, 12.0, 0.8, 0.0);
    let pallets = b.row(PalletLoaded, 6, 1.4, 1.6, 0.8);
    let cabinets = b.put(SwitchCabinets, 12.0, 8.5, 0.0);
    b.row(PalletLoaded, 2, 24.0, 1.4, 2.4);
    b.link(lasers[0], sorters[0], FLOW);
    b.link(sorters[0], conveyors[1], FLOW);
    b.link(conveyors[3], stacker, FLOW);
    b.link(truck, pallets[5], "material");
    b.link(cabinets, lasers[1], "data");
    b.link(lasers[1], sorters[1], FLOW);
    b
}

/// Parts go through two ovens; paint is fed from tanks behind them.
fn painting() -> Block {
    let mut b = Block::new("Paint line", 9.6);
    let infeed = b.put(RollerLong, 2.9, 3.6, 0.0);
    let dryer = b.put(TunnelOven, 8.7, 3.6, 0.0);
    let between = b.put(RollerShort, 13.5, 3.6, 0.0);
    let oven = b.put(TunnelOven, 18.3, 3.6, 0.0);
    let outfeed = b.put(RollerShort, 23.1, 3.6, 0.0);
    let painter = b.put(RobotArmLarge, 2.6, 6.4, 270.0);
    let tanks = b.row(ProcessTank, 2, 7.8, 5.2, 7.6);
    let exchanger = b.put(HeatExchanger, 19.0, 7.6, 0.0);
    let compressor = b.put(AirCompressor, 23.6, 7.6, 0.0);
    let pallets = b.row(PalletLoaded, 4, 19.6, 1.6, 0.8);
    b.row(SafetyFence, 6, 1.4, 2.2, 1.5);
    b.link(infeed, dryer, FLOW);
    b.link(dryer, oven, FLOW);
    b.link(oven, outfeed, FLOW);
    b.link(tanks[0], painter, "material");
    b.link(compressor, painter, "energy");
    b.link(outfeed, pallets[2], "material");
    b.link(exchanger, oven, "energy");
    b.link(between, oven, FLOW);
    b
}

/// Four machining centres, each with its robot, along one conveyor.
fn machining() -> Block {
    let mut b = Block::new("Machining", 8.4);
    let cells = b.row(MachiningCell, 4, 3.5, 6.0, 5.6);
    let robots: Vec<_> = (0..4).map(|i| b.put(RobotArm, 3.2 + 6.0 * f64::from(i), 2.9, 90.0)).collect();
    let conveyors = b.row(RollerLong, 5, 2.8, 5.1, 1.4);
    let cabinets = b.put(SwitchCabinets, 13.0, 7.8, 0.0);
    let pallets = b.row(PalletLoaded, 3, 6.1, 6.0, 5.2);
    b.row(PalletLoaded, 3, 6.1, 6.0, 6.2);
    b.link(conveyors[0], robots[0], FLOW);
    b.link(robots[0], cells[0], FLOW);
    b.link(robots[3], conveyors[4], FLOW);
    b.link(cells[0], cells[1], "data");
    b.link(pallets[0], robots[1], "material");
    b.link(cabinets, cells[2], "power");
    b
}

/// Four lathes with robots along a belt.
fn turning() -> Block {
    let mut b = Block::new("Turning", 8.0);
    let lathes = b.row(CncLathe, 4, 3.2, 6.3, 5.6);
    let robots: Vec<_> = (0..4).map(|i| b.put(RobotArm, 3.0 + 6.3 * f64::from(i), 2.9, 90.0)).collect();
    let belts = b.row(BeltConveyor, 10, 1.6, 2.5, 1.4);
    let cabinets = b.put(SwitchCabinets, 12.6, 7.5, 0.0);
    let pallets = b.row(PalletLoaded, 3, 6.35, 6.3, 5.4);
    b.link(belts[0], robots[0], FLOW);
    b.link(robots[0], lathes[0], FLOW);
    b.link(robots[3], belts[9], FLOW);
    b.link(cabinets, lathes[1], "data");
    b.link(pallets[2], robots[3], "material");
    b.link(robots[1], lathes[1], FLOW);
    b
}

/// Where dies and moulds are kept under gantry cranes.
fn die_store() -> Block {
    let mut b = Block::new("Die store", 8.0);
    let cranes = b.row(GantryCrane, 3, 4.4, 8.4, 5.0);
    let trucks = b.row(Forklift, 2, 4.0, 9.0, 1.1);
    let mut pallets = b.row(PalletLoaded, 3, 7.0, 1.5, 1.1);
    pallets.extend(b.row(PalletLoaded, 3, 16.0, 1.5, 1.1));
    b.link(trucks[0], cranes[0], "material");
    b.link(cranes[0], cranes[1], "control");
    b.link(trucks[1], pallets[5], "material");
    b
}

/// Two conveyors side by side, at whose ends robots stack cartons.
fn packing() -> Block {
    let mut b = Block::new("Packing", 8.4);
    let near = b.row(RollerLong, 4, 2.7, 5.1, 2.4);
    let far = b.row(BeltConveyor, 8, 1.5, 2.5, 6.0);
    let stackers = [b.put(RobotArmLarge, 21.6, 2.4, 0.0), b.put(RobotArmLarge, 21.6, 6.0, 0.0)];
    let packers: Vec<_> = (0..3).map(|i| b.put(RobotArm, 4.0 + 6.0 * f64::from(i), 3.6, 90.0)).collect();
    let pallets = b.row(PalletLoaded, 3, 21.4, 1.7, 4.2);
    b.row(PalletLoaded, 3, 21.4, 1.7, 0.7);
    let truck = b.put(Forklift, 16.6, 0.9, 180.0);
    b.row(SafetyFence, 6, 1.4, 2.2, 0.8);
    b.link(near[0], packers[0], FLOW);
    b.link(near[3], stackers[0], FLOW);
    b.link(far[7], stackers[1], FLOW);
    b.link(stackers[0], pallets[1], "material");
    b.link(pallets[1], truck, "material");
    b.link(packers[1], far[3], FLOW);
    b
}

/// Four rows of racks with two lanes for forklifts.
fn storage() -> Block {
    let mut b = Block::new("Store", 13.0);
    let racks: Vec<_> = [0.9, 5.4, 6.8, 11.3].into_iter().flat_map(|y| b.row(StorageRack, 4, 3.1, 5.8, y)).collect();
    let trucks = [b.put(Forklift, 8.0, 3.1, 0.0), b.put(Forklift, 16.0, 9.0, 180.0)];
    let pallets = [b.put(PalletLoaded, 25.0, 2.6, 90.0), b.put(PalletLoaded, 25.0, 9.0, 90.0)];
    b.put(PalletLoaded, 23.8, 2.6, 90.0);
    b.put(PalletLoaded, 23.8, 9.0, 90.0);
    b.link(trucks[0], racks[1], "material");
    b.link(trucks[1], racks[14], "material");
    b.link(pallets[0], trucks[0], "material");
    b.link(racks[9], pallets[1], "material");
    b
}

/// Media supply along the back wall.
fn utilities() -> Block {
    let mut b = Block::new("Utilities", 8.6);
    let tanks = b.row(ProcessTank, 4, 2.9, 5.4, 6.6);
    let compressors = b.row(AirCompressor, 4, 2.2, 3.2, 3.6);
    let exchangers = b.row(HeatExchanger, 2, 16.0, 5.0, 3.6);
    let cabinets = b.row(SwitchCabinets, 4, 3.2, 5.4, 0.7);
    b.put(AirCompressor, 23.8, 6.6, 0.0);
    b.link(tanks[0], exchangers[0], "material");
    b.link(cabinets[0], compressors[0], "power");
    b.link(compressors[1], tanks[2], "energy");
    b.link(exchangers[0], exchangers[1], "material");
    b.link(cabinets[1], tanks[1], "data");
    b
}
