#include "dispar/core/error.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

TEST_CASE("require throws a message of argument, rule and value") {
  CHECK_NOTHROW(dispar::require(true, "gaussian: sigma", "must be positive", -1));
  CHECK_NOTHROW(dispar::require(true, "gaussian: sigma", "must be positive"));
  CHECK_THROWS_WITH_AS(dispar::require(false, "gaussian: sigma", "must be positive", -1.5),
                       "dispar: gaussian: sigma must be positive, got -1.5", dispar::invalid_argument);
  CHECK_THROWS_WITH_AS(dispar::require(false, "x", "must not be empty"), "dispar: x must not be empty", dispar::invalid_argument);
}

TEST_CASE("invalid_argument is a std::invalid_argument") {
  CHECK_THROWS_AS(dispar::require(false, "x", "y", 0), std::invalid_argument);
}

TEST_CASE("numbers are written as a reader would") {
  CHECK(dispar::to_text(0) == "0");
  CHECK(dispar::to_text(-3) == "-3");
  CHECK(dispar::to_text(123456789) == "123456789");
  CHECK(dispar::to_text(999999999999999.0) == "999999999999999");
  CHECK(dispar::to_text(0.25) == "0.25");
  CHECK(dispar::to_text(1e20) == "1e+20");
  CHECK(dispar::to_text(-1e300) == "-1e+300");
  CHECK(dispar::to_text(1e-7) == "1e-07");
  CHECK(dispar::to_text(std::numeric_limits<double>::infinity()) == "inf");
  CHECK(dispar::to_text(-std::numeric_limits<double>::infinity()) == "-inf");
  CHECK(dispar::to_text(std::numeric_limits<double>::quiet_NaN()).find("nan") != std::string::npos);
}
