# seqbench_registry(KIND RESULT FOLDER...): the sources of every FOLDER/*.cpp and of a generated file that calls the
# function register_NAME(Registry&) which each NAME.cpp defines, in the order of their names. No static registrars: a
# linker drops those of a static library.
function(seqbench_registry kind result)
  set(sources "")
  foreach(folder IN LISTS ARGN)
    file(GLOB found CONFIGURE_DEPENDS ${folder}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  set(names "")
  foreach(source IN LISTS sources)
    get_filename_component(name ${source} NAME_WE)
    if(name IN_LIST names)
      message(FATAL_ERROR "two files register the ${kind} \"${name}\": rename ${source}")
    endif()
    list(APPEND names ${name})
  endforeach()
  list(SORT names)
  string(SUBSTRING ${kind} 0 1 initial)
  string(TOUPPER ${initial} initial)
  string(SUBSTRING ${kind} 1 -1 rest)
  set(registry "${initial}${rest}Registry")
  set(declarations "")
  set(calls "")
  foreach(name IN LISTS names)
    string(APPEND declarations "void register_${name}(${registry}& registry);\n")
    string(APPEND calls "    register_${name}(made);\n")
  endforeach()
  set(file ${CMAKE_CURRENT_BINARY_DIR}/generated/${kind}_registry.cpp)
  file(CONFIGURE OUTPUT ${file} @ONLY CONTENT "#include \"${kind}/${kind}.h\"

namespace seqbench {
@declarations@
const ${registry}& ${kind}s() {
  static const ${registry} registry = [] {
    ${registry} made;
@calls@    return made;
  }();
  return registry;
}

}  // namespace seqbench
")
  set(${result} ${sources} ${file} PARENT_SCOPE)
endfunction()

# The commit of the sources, as a generated header that is rewritten only when it changes.
function(seqbench_version target)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/generated/version/commit.h)
  add_custom_target(${target}_commit BYPRODUCTS ${header}
    COMMAND ${CMAKE_COMMAND} -DHEADER=${header} -DSOURCE=${CMAKE_CURRENT_SOURCE_DIR}
            -P ${CMAKE_CURRENT_SOURCE_DIR}/tools/cmake/commit.cmake
    VERBATIM)
  add_dependencies(${target} ${target}_commit)
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/generated/version)
  target_compile_definitions(${target} PRIVATE SEQBENCH_VERSION="${PROJECT_VERSION}")
endfunction()
