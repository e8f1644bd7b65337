# How every library, test and benchmark of this project is built. A library's CMakeLists.txt is about ten lines:
#
#   project(antrea-openflow VERSION 0.1.0 LANGUAGES CXX)
#   include(../cmake/AntreaLibrary.cmake)
#   antrea_require(base)
#   antrea_add_library(openflow-codec HEADERS openflow SOURCES match.cc flow.cc DEPS base)
#   antrea_add_library(openflow SOURCES connection.cc DEPS openflow-codec LINK Boost::headers)
#
# antrea_add_library(NAME) makes, from one compilation of the sources:
#   antrea::NAME           what the tree links (static; shared with BUILD_SHARED_LIBS)
#   libantrea-NAME.a, libantrea-NAME.so.X.Y   both installed, hidden symbols unless marked ANTREA_API
#   find_package(antrea-NAME) -> antrea::NAME (shared), antrea::NAME-static;  pkg-config antrea-NAME
include_guard(GLOBAL)
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(ANTREA_ROOT ${CMAKE_CURRENT_LIST_DIR}/..)
get_filename_component(ANTREA_ROOT ${ANTREA_ROOT} ABSOLUTE)
set(CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR} ${CMAKE_MODULE_PATH})

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # what a library links, its tests and benchmarks see too
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

option(ANTREA_WERROR "Treat warnings as errors" ON)
set(ANTREA_SANITIZE "" CACHE STRING "Sanitizers to build with, e.g. address,undefined")

# The compiler reads the same headers for all sources of a target: taken together, once for eight of them. Whoever changes
# one file again and again may prefer OFF.
option(ANTREA_UNITY "Compile the sources of a target together, eight at a time" ON)
set(CMAKE_UNITY_BUILD ${ANTREA_UNITY})

find_program(ANTREA_CCACHE ccache)
if(ANTREA_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${ANTREA_CCACHE})
endif()

add_library(antrea_build_flags INTERFACE)
target_compile_options(antrea_build_flags INTERFACE -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
  $<$<BOOL:${ANTREA_WERROR}>:-Werror>)
if(ANTREA_SANITIZE)
  target_compile_options(antrea_build_flags INTERFACE -fsanitize=${ANTREA_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(antrea_build_flags INTERFACE -fsanitize=${ANTREA_SANITIZE})
endif()
# Coroutine frames of gcc 12 trip these in -O2 builds of Asio code; they are no faults of ours.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(antrea_build_flags INTERFACE -Wno-maybe-uninitialized -Wno-dangling-pointer -Wno-restrict
    -Wno-stringop-overread -Wno-stringop-overflow -Wno-array-bounds -Wno-mismatched-new-delete)
endif()
# Sources that are compiled together count as headers to gcc, in which types of private parts would be a fault.
if(ANTREA_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(antrea_build_flags INTERFACE -Wno-subobject-linkage)
endif()
find_package(Threads REQUIRED)

# antrea_require(NAME...): make sibling libraries available, also when this one is built alone.
function(antrea_require)
  foreach(name ${ARGN})
    get_property(present GLOBAL PROPERTY antrea_folder_${name})
    if(NOT present)
      add_subdirectory(${ANTREA_ROOT}/libantrea-${name} ${CMAKE_BINARY_DIR}/libantrea-${name})
    endif()
  endforeach()
endfunction()

# antrea_compile_alone(SOURCE...): these give private names to things that other sources of their target name so too.
function(antrea_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
# antrea_compile_apart(TARGET...): each source of these by itself.
function(antrea_compile_apart)
  set_target_properties(${ARGN} PROPERTIES UNITY_BUILD OFF)
endfunction()

# antrea_add_library(NAME [HEADERS DIR] SOURCES ... [DEPS antrea libraries] [LINK public] [PRIVATE_LINK ...]
#                    [PACKAGES find_package names for consumers] [PC_REQUIRES pkg-config names])
# HEADERS names the folder below include/antrea/ that is installed with it (default: NAME up to its first dash, only by
# the target of that very name). PROJECT_VERSION is the library's version; SOVERSION is MAJOR.MINOR before 1.0.
function(antrea_add_library name)
  cmake_parse_arguments(L "" "HEADERS" "SOURCES;DEPS;LINK;PRIVATE_LINK;PACKAGES;PC_REQUIRES;PC_LIBS" ${ARGN})
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" soversion ${PROJECT_VERSION})
  string(REGEX MATCH "^[a-z]+" folder ${name})
  set_property(GLOBAL PROPERTY antrea_folder_${folder} TRUE)

  add_library(antrea-${name}-objects OBJECT ${L_SOURCES})
  target_compile_options(antrea-${name}-objects PRIVATE -fvisibility=hidden -fvisibility-inlines-hidden)
  target_include_directories(antrea-${name}-objects PRIVATE ${ANTREA_ROOT}/include)
  target_link_libraries(antrea-${name}-objects PRIVATE antrea_build_flags ${L_LINK} ${L_PRIVATE_LINK})

  foreach(flavor static shared)
    set(target antrea-${name}-${flavor})
    string(TOUPPER ${flavor} kind)
    add_library(${target} ${kind} $<TARGET_OBJECTS:antrea-${name}-objects>)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME antrea-${name} LINKER_LANGUAGE CXX)
    target_include_directories(${target} PUBLIC
      $<BUILD_INTERFACE:${ANTREA_ROOT}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
    target_link_libraries(${target} PUBLIC ${L_LINK} PRIVATE ${L_PRIVATE_LINK} Threads::Threads)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:antrea_build_flags>)
    foreach(dep ${L_DEPS})
      target_link_libraries(${target} PUBLIC antrea-${dep}-${flavor})
    endforeach()
  endforeach()
  foreach(dep ${L_DEPS})
    target_link_libraries(antrea-${name}-objects PRIVATE antrea-${dep}-static)
  endforeach()
  set_target_properties(antrea-${name}-shared PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${soversion}
    EXPORT_NAME ${name})
  set_target_properties(antrea-${name}-static PROPERTIES EXPORT_NAME ${name}-static)
  add_library(antrea::${name}-static ALIAS antrea-${name}-static)
  add_library(antrea::${name}-shared ALIAS antrea-${name}-shared)
  if(BUILD_SHARED_LIBS)
    add_library(antrea::${name} ALIAS antrea-${name}-shared)
  else()
    add_library(antrea::${name} ALIAS antrea-${name}-static)
  endif()

  install(TARGETS antrea-${name}-static antrea-${name}-shared EXPORT antrea-${name}
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  if(NOT L_HEADERS AND NOT name MATCHES "-")
    set(L_HEADERS ${name})
  endif()
  if(L_HEADERS)
    install(DIRECTORY ${ANTREA_ROOT}/include/antrea/${L_HEADERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/antrea
      FILES_MATCHING PATTERN "*.h")
  endif()

  set(ANTREA_CONFIG_DEPENDENCIES "find_dependency(Threads)\n")
  foreach(package ${L_PACKAGES})
    string(REPLACE "/" " " package "${package}")
    string(APPEND ANTREA_CONFIG_DEPENDENCIES "find_dependency(${package})\n")
  endforeach()
  set(requires "")
  set(libs "-lantrea-${name}")
  foreach(dep ${L_DEPS})
    string(APPEND ANTREA_CONFIG_DEPENDENCIES "find_dependency(antrea-${dep})\n")
    list(APPEND requires antrea-${dep})
  endforeach()
  list(APPEND requires ${L_PC_REQUIRES})
  list(JOIN requires ", " ANTREA_PC_REQUIRES)
  list(JOIN L_PC_LIBS " " ANTREA_PC_LIBS)
  file(RELATIVE_PATH ANTREA_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  set(ANTREA_NAME ${name})
  set(ANTREA_VERSION ${PROJECT_VERSION})
  set(packagedir ${CMAKE_INSTALL_LIBDIR}/cmake/antrea-${name})
  configure_file(${ANTREA_ROOT}/cmake/antrea.pc.in ${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}.pc @ONLY)
  configure_package_config_file(${ANTREA_ROOT}/cmake/antrea-config.cmake.in
    ${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}-config.cmake INSTALL_DESTINATION ${packagedir})
  write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}-config-version.cmake
    VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
  install(EXPORT antrea-${name} NAMESPACE antrea:: FILE antrea-${name}-targets.cmake DESTINATION ${packagedir})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}-config-version.cmake DESTINATION ${packagedir})
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/antrea-${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# antrea_add_app(NAME SOURCES ... DEPS antrea libraries [LINK ...]): an installed program.
function(antrea_add_app name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS;LINK" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  list(TRANSFORM A_DEPS PREPEND antrea::)
  target_link_libraries(${name} PRIVATE ${A_DEPS} ${A_LINK} antrea_build_flags Threads::Threads)
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# antrea_add_test(NAME SOURCES ... DEPS antrea libraries [LINK ...] [TIMEOUT s] [PACKETS] [BY_SUITE]): one GoogleTest
# program; each TEST is a ctest case named NAME.Suite.Case. PACKETS: real switches, peers and time, so that nothing runs
# beside them; `ctest -L packets` are those. BY_SUITE: each suite is a case, for those whose tests share a world.
function(antrea_add_test name)
  cmake_parse_arguments(T "PACKETS;BY_SUITE" "TIMEOUT" "SOURCES;DEPS;LINK" ${ARGN})
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_executable(${name}_test ${T_SOURCES})
  list(TRANSFORM T_DEPS PREPEND antrea::)
  target_include_directories(${name}_test PRIVATE ${ANTREA_ROOT})
  target_compile_definitions(${name}_test PRIVATE ANTREA_SOURCE_DIR="${ANTREA_ROOT}"
    ANTREA_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_compile_options(${name}_test PRIVATE -O1)  # what is tested is optimised; the tests need not be
  target_link_libraries(${name}_test PRIVATE ${T_DEPS} ${T_LINK} GTest::gmock_main antrea_build_flags Threads::Threads)
  set_target_properties(${name}_test PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set(properties TIMEOUT ${T_TIMEOUT})
  if(T_PACKETS)
    list(APPEND properties RUN_SERIAL TRUE LABELS packets)
  endif()
  if(NOT T_BY_SUITE)
    gtest_discover_tests(${name}_test TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST PROPERTIES ${properties})
    return()
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${T_SOURCES})
  foreach(source ${T_SOURCES})
    file(STRINGS ${source} tests REGEX "^TEST(_F|_P)?\\(")
    list(TRANSFORM tests REPLACE "^[^(]*\\(([^,]*),.*" "\\1")
    list(REMOVE_DUPLICATES tests)
    foreach(suite ${tests})
      if(NOT TEST ${name}.${suite})
        add_test(NAME ${name}.${suite} COMMAND ${name}_test --gtest_filter=${suite}.*:*/${suite}.*)
        set_tests_properties(${name}.${suite} PROPERTIES ${properties})
      endif()
    endforeach()
  endforeach()
endfunction()

# antrea_add_benchmark(NAME SOURCES ... DEPS antrea libraries [LINK ...]): one Google Benchmark program, bin/bench/NAME.
function(antrea_add_benchmark name)
  cmake_parse_arguments(B "" "" "SOURCES;DEPS;LINK" ${ARGN})
  find_package(benchmark REQUIRED)
  add_executable(${name}_bench ${B_SOURCES})
  list(TRANSFORM B_DEPS PREPEND antrea::)
  target_include_directories(${name}_bench PRIVATE ${ANTREA_ROOT})
  target_compile_definitions(${name}_bench PRIVATE ANTREA_SOURCE_DIR="${ANTREA_ROOT}"
    ANTREA_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  target_link_libraries(${name}_bench PRIVATE ${B_DEPS} ${B_LINK} benchmark::benchmark_main antrea_build_flags
    Threads::Threads)
  set_target_properties(${name}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
endfunction()

# antrea_add_fuzzer(NAME SOURCES ... DEPS antrea libraries): one libFuzzer program fuzz/NAME. Where fuzzers are off, the
# same entry point is linked with a driver that runs the corpus folder once, as a test.
function(antrea_add_fuzzer name)
  cmake_parse_arguments(F "" "" "SOURCES;DEPS;LINK;CORPUS" ${ARGN})
  list(TRANSFORM F_DEPS PREPEND antrea::)
  if(ANTREA_BUILD_FUZZERS)
    add_executable(${name}_fuzz ${F_SOURCES})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${name}_fuzz ${F_SOURCES} ${ANTREA_ROOT}/tests/fuzz/replay_main.cc)
    if(F_CORPUS)
      add_test(NAME ${name}.fuzz_corpus COMMAND ${name}_fuzz ${F_CORPUS})
    endif()
  endif()
  target_include_directories(${name}_fuzz PRIVATE ${ANTREA_ROOT})
  target_link_libraries(${name}_fuzz PRIVATE ${F_DEPS} ${F_LINK} antrea_build_flags Threads::Threads)
  set_target_properties(${name}_fuzz PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
endfunction()
