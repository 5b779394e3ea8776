//! Writes STEP files entity by entity: an assembly with one product in two places, colours for the product, for a face
//! and for a place (ISO 10303-21, application protocol 214).

use super::{BLUE, Expect, GREEN, QUADS, RED, Sample, corners, plain};
use rr_scene::Unit;
use std::fmt::Write;

/// Collects entities and numbers them.
#[derive(Default)]
struct Writer {
    text: String,
    count: usize,
}

impl Writer {
    fn add(&mut self, entity: &str) -> String {
        self.count += 1;
        writeln!(self.text, "#{} = {entity};", self.count).unwrap();
        format!("#{}", self.count)
    }

    fn point(&mut self, [x, y, z]: [f32; 3]) -> String {
        self.add(&format!("CARTESIAN_POINT('',({x:?},{y:?},{z:?}))"))
    }

    fn direction(&mut self, [x, y, z]: [f32; 3]) -> String {
        self.add(&format!("DIRECTION('',({x:?},{y:?},{z:?}))"))
    }

    fn axes(&mut self, origin: [f32; 3], z: [f32; 3], x: [f32; 3]) -> String {
        let (origin, z, x) = (self.point(origin), self.direction(z), self.direction(x));
        self.add(&format!("AXIS2_PLACEMENT_3D('',{origin},{z},{x})"))
    }

    /// A box as a solid: its number and those of its faces.
    fn solid(&mut self) -> (String, Vec<String>) {
        let corners = corners(0.0);
        let vertices: Vec<String> = corners
            .iter()
            .map(|p| {
                let point = self.point(*p);
                self.add(&format!("VERTEX_POINT('',{point})"))
            })
            .collect();
        let mut edges = std::collections::BTreeMap::new();
        let mut faces = Vec::new();
        for quad in QUADS {
            let mut oriented = Vec::new();
            for i in 0..4 {
                let (from, to) = (quad[i], quad[(i + 1) % 4]);
                let (low, high) = (from.min(to), from.max(to));
                let edge = match edges.get(&(low, high)) {
                    Some(known) => String::clone(known),
                    None => {
                        let start = self.point(corners[low]);
                        let along: [f32; 3] = std::array::from_fn(|k| corners[high][k] - corners[low][k]);
                        let direction = self.direction(along);
                        let vector = self.add(&format!("VECTOR('',{direction},1.)"));
                        let line = self.add(&format!("LINE('',{start},{vector})"));
                        let ends = [vertices[low].as_str(), vertices[high].as_str()].join(",");
                        let edge = self.add(&format!("EDGE_CURVE('',{ends},{line},.T.)"));
                        edges.insert((low, high), edge.clone());
                        edge
                    }
                };
                let sense = if from < to { ".T." } else { ".F." };
                oriented.push(self.add(&format!("ORIENTED_EDGE('',*,*,{edge},{sense})")));
            }
            let edge_loop = self.add(&format!("EDGE_LOOP('',({}))", oriented.join(",")));
            let bound = self.add(&format!("FACE_OUTER_BOUND('',{edge_loop},.T.)"));
            let [a, b, c] = [0, 1, 2].map(|i| glam::Vec3::from(corners[quad[i]]));
            let normal = (b - a).cross(c - b).normalize();
            let axes = self.axes(a.to_array(), normal.to_array(), (b - a).normalize().to_array());
            let plane = self.add(&format!("PLANE('',{axes})"));
            faces.push(self.add(&format!("ADVANCED_FACE('',({bound}),{plane},.T.)")));
        }
        let shell = self.add(&format!("CLOSED_SHELL('',({}))", faces.join(",")));
        (self.add(&format!("MANIFOLD_SOLID_BREP('',{shell})")), faces)
    }

    fn product(&mut self, name: &str) -> String {
        let context = self.add("APPLICATION_CONTEXT('automotive design')");
        self.add(&format!(
            "APPLICATION_PROTOCOL_DEFINITION('international standard','automotive_design',2000,{context})"
        ));
        let product_context = self.add(&format!("PRODUCT_CONTEXT('',{context},'mechanical')"));
        let product = self.add(&format!("PRODUCT('{name}','{name}','',({product_context}))"));
        let formation = self.add(&format!("PRODUCT_DEFINITION_FORMATION('','',{product})"));
        let definition_context = self.add(&format!("PRODUCT_DEFINITION_CONTEXT('part definition',{context},'design')"));
        self.add(&format!("PRODUCT_DEFINITION('design','',{formation},{definition_context})"))
    }

    /// Puts a product with its shape into another one, at places with a name.
    fn assembly(
        &mut self,
        context: &str,
        base: &str,
        whole: &str,
        (part, part_shape): (&str, &str),
        places: [(&str, f32, f32); 2],
    ) -> Assembly {
        let axes = places.map(|(_, x, y)| self.axes([x, y, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]));
        let shape = self.add(&format!("SHAPE_REPRESENTATION('',({base},{},{}),{context})", axes[0], axes[1]));
        let definition = self.add(&format!("PRODUCT_DEFINITION_SHAPE('','',{whole})"));
        self.add(&format!("SHAPE_DEFINITION_REPRESENTATION({definition},{shape})"));
        let mut made = Assembly { shape, usages: Vec::new(), places: Vec::new() };
        for (place, (name, ..)) in axes.iter().zip(places) {
            let moved = self.add(&format!("ITEM_DEFINED_TRANSFORMATION('','',{base},{place})"));
            let relation = self.add(&format!(
                "( REPRESENTATION_RELATIONSHIP('','',{part_shape},{}) \
                 REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION({moved}) SHAPE_REPRESENTATION_RELATIONSHIP() )",
                made.shape
            ));
            let usage = self.add(&format!("NEXT_ASSEMBLY_USAGE_OCCURRENCE('{name}','{name}','',{whole},{part},$)"));
            let definition = self.add(&format!("PRODUCT_DEFINITION_SHAPE('','',{usage})"));
            self.add(&format!("CONTEXT_DEPENDENT_SHAPE_REPRESENTATION({relation},{definition})"));
            let of_place = self.add(&format!("SHAPE_REPRESENTATION('',({place}),{context})"));
            self.add(&format!("SHAPE_DEFINITION_REPRESENTATION({definition},{of_place})"));
            made.usages.push(usage);
            made.places.push(of_place);
        }
        made
    }

    /// A colour for a face or solid; for one of its places when `place` is given.
    fn style(&mut self, [red, green, blue, _]: [u8; 4], item: &str, over: Option<(&str, Option<&str>)>) -> String {
        let share = |c: u8| f32::from(c) / 255.0;
        let colour = self.add(&format!("COLOUR_RGB('',{:?},{:?},{:?})", share(red), share(green), share(blue)));
        let fill = self.add(&format!("FILL_AREA_STYLE_COLOUR('',{colour})"));
        let fill = self.add(&format!("FILL_AREA_STYLE('',({fill}))"));
        let fill = self.add(&format!("SURFACE_STYLE_FILL_AREA({fill})"));
        let side = self.add(&format!("SURFACE_SIDE_STYLE('',({fill}))"));
        let usage = self.add(&format!("SURFACE_STYLE_USAGE(.BOTH.,{side})"));
        let assignment = match over {
            Some((_, Some(place))) => self.add(&format!("PRESENTATION_STYLE_BY_CONTEXT(({usage}),{place})")),
            _ => self.add(&format!("PRESENTATION_STYLE_ASSIGNMENT(({usage}))")),
        };
        match over {
            Some((base, _)) => self.add(&format!("OVER_RIDING_STYLED_ITEM('',({assignment}),{item},{base})")),
            None => self.add(&format!("STYLED_ITEM('',({assignment}),{item})")),
        }
    }
}

/// How far the assembly goes up.
#[derive(Clone, Copy, PartialEq)]
enum Depth {
    /// Two boxes in a line.
    Line,
    /// Two such lines in a hall.
    Hall,
}

/// Numbers of what an assembly consists of.
struct Assembly {
    shape: String,
    usages: Vec<String>,
    places: Vec<String>,
}

/// The whole file; `unit` is the entity of the unit of length.
pub fn file(unit: &str) -> String {
    assembly(unit, Depth::Line)
}

fn assembly(unit: &str, depth: Depth) -> String {
    let mut w = Writer::default();
    let millimetre = w.add("( LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT(.MILLI.,.METRE.) )");
    let measure = w.add(&format!("LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),{millimetre})"));
    let dimensions = w.add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)");
    let length = w.add(&unit.replace("MEASURE", &measure).replace("DIMENSIONS", &dimensions));
    let angle = w.add("( NAMED_UNIT(*) PLANE_ANGLE_UNIT() SI_UNIT($,.RADIAN.) )");
    let solid_angle = w.add("( NAMED_UNIT(*) SI_UNIT($,.STERADIAN.) SOLID_ANGLE_UNIT() )");
    let context = w.add(&format!(
        "( GEOMETRIC_REPRESENTATION_CONTEXT(3) GLOBAL_UNIT_ASSIGNED_CONTEXT(({length},{angle},{solid_angle})) \
         REPRESENTATION_CONTEXT('','') )"
    ));
    let (solid, faces) = w.solid();
    let base = w.axes([0.0; 3], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]);
    let [line, part] = ["Line", "Box"].map(|name| w.product(name));
    let part_shape = w.add(&format!("ADVANCED_BREP_SHAPE_REPRESENTATION('',({base},{solid}),{context})"));
    let whole = w.add(&format!("PRODUCT_DEFINITION_SHAPE('','',{part})"));
    w.add(&format!("SHAPE_DEFINITION_REPRESENTATION({whole},{part_shape})"));

    let shape = w.assembly(&context, &base, &line, (&part, &part_shape), [("First", 0.0, 0.0), ("Second", 5.0, 0.0)]);
    let red = w.style(RED, &solid, None);
    let blue = w.style(BLUE, &faces[5], Some((&red, None)));
    let place = match depth {
        Depth::Line => shape.places[1].clone(),
        Depth::Hall => {
            // The hall, and not the line, gives the second box of its second line a colour.
            let hall = w.product("Hall");
            let lines = [("L1", 0.0, 0.0), ("L2", 0.0, 10.0)];
            let whole = w.assembly(&context, &base, &hall, (&line, &shape.shape), lines);
            let usages = format!("{},{}", whole.usages[1], shape.usages[1]);
            let higher = w.add(&format!("SPECIFIED_HIGHER_USAGE_OCCURRENCE('','',$,{hall},{part},$,{usages})"));
            let definition = w.add(&format!("PRODUCT_DEFINITION_SHAPE('SHUO',$,{higher})"));
            let of_place = w.add(&format!("SHAPE_REPRESENTATION('',({base}),{context})"));
            w.add(&format!("SHAPE_DEFINITION_REPRESENTATION({definition},{of_place})"));
            of_place
        }
    };
    let green = w.style(GREEN, &solid, Some((&red, Some(&place))));
    w.add(&format!("MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION('',({red},{blue},{green}),{context})"));
    format!(
        "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','2025-01-01T00:00:00',(''),(''),'','','');\n\
         FILE_SCHEMA(('AUTOMOTIVE_DESIGN'));\nENDSEC;\nDATA;\n{}ENDSEC;\nEND-ISO-10303-21;\n",
        w.text
    )
}

fn expect() -> Expect {
    Expect {
        declared: true,
        colours: vec![RED, GREEN, BLUE],
        names: vec!["Line/First", "Line/Second"],
        variant: "AUTOMOTIVE_DESIGN",
        ..plain()
    }
}

pub const MILLIMETRES: &str = "( LENGTH_UNIT() NAMED_UNIT(*) SI_UNIT(.MILLI.,.METRE.) )";

/// In millimetres.
pub fn sample() -> Sample {
    Sample { format: "step", files: vec![("two.step".into(), file(MILLIMETRES).into_bytes())], expect: expect() }
}

/// The same numbers in inches.
pub fn inches() -> Sample {
    let text = file("( CONVERSION_BASED_UNIT('INCH',MEASURE) LENGTH_UNIT() NAMED_UNIT(DIMENSIONS) )");
    let expect = Expect { unit: Unit::Inch, size_m: [0.1524, 0.0508, 0.0762], ..expect() };
    Sample { format: "step", files: vec![("inches.stp".into(), text.into_bytes())], expect }
}

/// Two lines in a hall, which colours one box of the four.
pub fn deep() -> Sample {
    let text = assembly(MILLIMETRES, Depth::Hall);
    let names = ["Hall/L1/First", "Hall/L1/Second", "Hall/L2/First", "Hall/L2/Second"];
    let size_m = [0.006, 0.012, 0.003];
    let expect = Expect { triangles: 48, instances: 4, size_m, names: names.to_vec(), ..expect() };
    Sample { format: "step", files: vec![("hall.step".into(), text.into_bytes())], expect }
}
