// Products of an XCAF document: what a STEP file calls a part, its colours and names, and everywhere it is used.
#pragma once

#include "walk.h"

#include <TDF_Label.hxx>
#include <TopLoc_Location.hxx>
#include <XCAFDoc_ColorTool.hxx>
#include <XCAFDoc_ShapeTool.hxx>

#include <map>

namespace rr_occt {

/// One place where a product stands.
struct Use {
  TopLoc_Location location;
  /// Names from the assembly down to the product, joined by `/`.
  std::string path;
  /// Colour of the place, for faces without one.
  std::optional<Colour> colour;
};

/// A part that is no assembly.
struct Product {
  TDF_Label label;
  std::string name;
  std::vector<Use> uses;
};

/// Walks the assembly tree of a document and lists its products in the order in which they are met.
class ProductList {
 public:
  ProductList(const Ref<XCAFDoc_ShapeTool>& shapes, const Ref<XCAFDoc_ColorTool>& colours, const Settings& settings)
      : shapes_(shapes), colours_(colours), settings_(settings) {}

  /// Fills the list. What is marked as hidden is left out unless that is everything.
  void gather();

  const std::vector<Product>& products() const { return products_; }
  /// Number of hidden products and assemblies that were left out.
  int hidden() const { return hidden_; }
  /// True when there were more places than allowed.
  bool limited() const { return limited_; }

  /// Adds colours and names of the faces, shells and solids of a product.
  void add_attributes(const Product& product, Attributes& attributes) const;

 private:
  void visit(const TDF_Label& label, const TopLoc_Location& placed, const std::string& path,
             const std::optional<Colour>& colour, int depth, bool with_hidden);
  void visit_label(const TDF_Label& label, const TopLoc_Location& placed, const std::string& path,
                   const std::optional<Colour>& colour, int depth, bool with_hidden);
  std::optional<Colour> colour_of(const TDF_Label& label) const;
  /// Colour that an assembly further up gives to the place that is being visited.
  std::optional<Colour> colour_from_above() const;

  Ref<XCAFDoc_ShapeTool> shapes_;
  Ref<XCAFDoc_ColorTool> colours_;
  const Settings& settings_;
  std::vector<Product> products_;
  std::map<std::string, std::size_t> by_entry_;
  /// Places from the top down to where the visit is.
  std::vector<TDF_Label> places_;
  std::uint64_t uses_ = 0, visits_ = 0;
  int hidden_ = 0;
  bool limited_ = false;
};

}  // namespace rr_occt
