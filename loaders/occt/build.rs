//! Finds OpenCASCADE (OCCT) 7.6 or newer, compiles the bridge against its headers and links its shared libraries.
//!
//! `OCCT_INCLUDE_DIR` and `OCCT_LIB_DIR` name an installation of one's own; otherwise the usual places are tried.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

const PACKAGES: &str = "libocct-foundation-dev libocct-modeling-data-dev libocct-modeling-algorithms-dev \
                        libocct-data-exchange-dev libocct-ocaf-dev libocct-visualization-dev";
const SOURCES: [&str; 13] = [
    "brep",
    "colour",
    "congruent",
    "entity",
    "guard",
    "iges",
    "import",
    "mesh",
    "outline",
    "product",
    "step",
    "step_repair",
    "walk",
];

fn main() {
    for name in ["OCCT_INCLUDE_DIR", "OCCT_LIB_DIR"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=cpp");
    println!("cargo:rerun-if-changed=src/lib.rs");

    let Some(include) = include_dir() else {
        fail("the headers of OpenCASCADE (OCCT) were not found");
    };
    let Some(version) = version(&include) else {
        fail(&format!("{} does not tell the version of OpenCASCADE", include.join("Standard_Version.hxx").display()));
    };
    if version < (7, 6) {
        fail(&format!("OpenCASCADE {}.{} is too old, 7.6 or newer is needed", version.0, version.1));
    }
    let needed = [
        "IGESControl_Reader.hxx",
        "STEPCAFControl_Reader.hxx",
        "TDocStd_Document.hxx",
        "BRepMesh_IncrementalMesh.hxx",
        "BRep_Tool.hxx",
    ];
    for header in needed {
        if !include.join(header).is_file() {
            fail(&format!("{} is missing", include.join(header).display()));
        }
    }

    let mut bridge = cxx_build::bridge("src/lib.rs");
    for source in SOURCES {
        bridge.file(format!("cpp/{source}.cc"));
    }
    // OCCT's own headers warn, ours should not: hence a system include.
    bridge.flag(format!("-isystem{}", include.display())).include("cpp").std("c++17");
    // The heavy work is inside the shared libraries, so that the bridge itself need not be optimised much.
    bridge.opt_level(1).debug(false).compile("rr_occt_bridge");

    if let Ok(dir) = env::var("OCCT_LIB_DIR") {
        println!("cargo:rustc-link-search=native={dir}");
    }
    // 7.8 merged the data exchange toolkits.
    let exchange: &[&str] = if version >= (7, 8) {
        &["TKDEIGES", "TKDESTEP", "TKDE"]
    } else {
        &["TKIGES", "TKXDESTEP", "TKSTEP", "TKSTEPAttr", "TKSTEP209", "TKSTEPBase"]
    };
    let documents = ["TKXCAF", "TKLCAF", "TKCDF"];
    let modelling = ["TKXSBase", "TKMesh", "TKShHealing", "TKTopAlgo", "TKBRep", "TKGeomBase", "TKG3d", "TKG2d"];
    for library in exchange.iter().chain(&documents).chain(&modelling).chain(&["TKMath", "TKernel"]) {
        println!("cargo:rustc-link-lib=dylib={library}");
    }
}

fn include_dir() -> Option<PathBuf> {
    let own = env::var("OCCT_INCLUDE_DIR").ok().map(PathBuf::from);
    let usual = ["/usr/include/opencascade", "/usr/local/include/opencascade", "/usr/include/occt"];
    let places = own.map_or_else(|| usual.map(PathBuf::from).to_vec(), |dir| vec![dir]);
    places.into_iter().find(|dir| dir.join("Standard_Version.hxx").is_file())
}

fn version(include: &Path) -> Option<(u32, u32)> {
    let mut text = fs::read_to_string(include.join("Standard_Version.hxx")).ok()?;
    // A build tree of OCCT holds headers that only forward to the sources.
    if let Some(path) = text.trim().strip_prefix("#include \"").and_then(|rest| rest.strip_suffix('"')) {
        text = fs::read_to_string(path).ok()?;
    }
    let number = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix("#define")?.trim().strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u32>().ok()
    };
    Some((number("OCC_VERSION_MAJOR ")?, number("OCC_VERSION_MINOR ")?))
}

fn fail(reason: &str) -> ! {
    eprintln!("rr-occt: {reason}.");
    eprintln!("On Debian and Ubuntu install the packages: {PACKAGES}");
    eprintln!("For an installation of your own set OCCT_INCLUDE_DIR and OCCT_LIB_DIR.");
    process::exit(1);
}
