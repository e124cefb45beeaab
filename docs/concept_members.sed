# What Doxygen reads before the members that the concepts pair_function, metric and fold, and operations, ask for.
s|^  using metric = .*|  /// How the distance of two rows is measured.\n&|
s|^  static constexpr int channels = \(.*\), parameters = \(.*\), constants = \(.*\);|  /// How many distances it sees: one per matrix of a sample.\n  static constexpr int channels = \1;\n  /// How many parameters it has.\n  static constexpr int parameters = \2;\n  /// How many constants `value` sees.\n  static constexpr int constants = \3;|
s|^  static constexpr int channels = \(.*\), parameters = \(.*\);|  /// How many distances it sees: one per matrix of a sample.\n  static constexpr int channels = \1;\n  /// How many parameters it has.\n  static constexpr int parameters = \2;|
s|^  static constexpr int channels = \(.*\), outputs = \(.*\), operands = \(.*\);|  /// How many distances it sees.\n  static constexpr int channels = \1;\n  /// How many numbers it gives per pair.\n  static constexpr int outputs = \2;\n  /// How many numbers per row it reads.\n  static constexpr int operands = \3;|
s|^  static constexpr int channels = [^,]*;|  /// How many distances it sees: one per matrix of a sample.\n&|
s|^  static constexpr int parameters = [^,]*;|  /// How many parameters it has.\n&|
s|^  static constexpr int constants = [^,]*;|  /// How many constants `value` sees.\n&|
s|^  \[\[nodiscard\]\] vec<double, .*> theta() const|  /// The parameters, in the order of gradients by them.\n&|
s|^  void validate() const|  /// Throws `invalid_argument` for a parameter outside its range.\n&|
/^  template<class [RV]>$/{
N
s|.*prepare(|  /// The constants that `value` sees: once per call, in double or with derivatives.\n&|
s|.*value(|  /// The value for the distances d; V is a pack, a lane or a dual.\n&|
s|.*row_term(|  /// What one row contributes alone, one feature more.\n&|
s|.*step(|  /// One feature more of the distance of two rows.\n&|
s|.*finish(|  /// The distance from the accumulated steps and both row terms.\n&|
s|.*slope(|  /// Derivative of the distance by a feature of the first row.\n&|
}
/^  template<class V, class At>$/{
N
s|.*operator()(|  /// The outputs for a pair with distances d.\n&|
}
s|^  static constexpr bool product = \([a-z]*\), translation_invariant = \([a-z]*\)\(.*\);|  /// Whether the step is a product: acc + a b.\n  static constexpr bool product = \1;\n  /// Whether rows may be centred before.\n  static constexpr bool translation_invariant = \2\3;|
s|, slope_needs_distance = true;|;\n  /// The slope reads the distance.\n  static constexpr bool slope_needs_distance = true;|
s|^  static constexpr double own = \(.*\), other = \(.*\);|  /// The slope is own a + other b.\n  static constexpr double own = \1;\n  /// See `own`.\n  static constexpr double other = \2;|
s|^  \(vec<T, constants_of<K>> constants\);|  /// What `value` of the kernel sees.\n&|
s|^  \(kernel_value<K, T> kernel\);|  /// The value itself.\n&|
s|^  explicit \([a-z_]*\)(const K& k) :|  /// For the kernel k.\n&|
s|^  using value_type = .*|  /// The type of the elements.\n&|
s|^  using state = .*|  /// What a reduction carries along.\n&|
s|^  \[\[nodiscard\]\] DISPAR_FN static constexpr state identity()|  /// The state of no elements.\n&|
s|^  DISPAR_FN static void lane(|  /// One element more.\n&|
s|^  \[\[nodiscard\]\] DISPAR_FN static state block(|  /// The state of `count` contiguous elements.\n&|
s|^  DISPAR_FN static void merge(|  /// The state of the elements of both.\n&|
s|^  \[\[nodiscard\]\] DISPAR_FN static .* finalize(|  /// The result.\n&|
