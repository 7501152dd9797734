// Chains to be gone on with. Include <catena.hpp>.
//
// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef CATENA_CHECKPOINT_HPP
#define CATENA_CHECKPOINT_HPP

#include <catena/error.hpp>

#include <fstream>
#include <iterator>
#include <vector>

namespace catena {

// A chain as bytes, to be kept in a file or sent elsewhere and gone on with. Checkpoint() starts a chain anew.
class Checkpoint {
 public:
  Checkpoint() = default;
  // From what bytes() gave; checked when a run goes on with them.
  explicit Checkpoint(const std::vector<std::uint8_t> &bytes)
      : handle_(detail::made<Own>(catena_checkpoint_new, bytes.data(), bytes.size())) {}

  // What is to be kept; empty for Checkpoint().
  std::vector<std::uint8_t> bytes() const {
    std::size_t length = 0;
    const std::uint8_t *first = catena_checkpoint_bytes(handle_.get(), &length);
    return first ? std::vector<std::uint8_t>(first, first + length) : std::vector<std::uint8_t>();
  }
  // Writes the bytes to a file, which is replaced when it is there.
  void save(const std::string &path) const {
    const std::vector<std::uint8_t> all = bytes();
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char *>(all.data()), static_cast<std::streamsize>(all.size()));
    file.close();
    if (!file) throw Error(CATENA_IO, path + ": the checkpoint could not be written");
  }
  // From a file that save() wrote; checked when a run goes on with it.
  static Checkpoint load(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<std::uint8_t> all{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file.is_open() || file.bad()) throw Error(CATENA_IO, path + ": the checkpoint could not be read");
    return Checkpoint(all);
  }

  // Whether there is none: the chain starts anew.
  bool empty() const noexcept { return !handle_; }
  const catena_checkpoint *handle() const noexcept { return handle_.get(); }

  // For Result: a C handle, which is owned from here on.
  static Checkpoint own(catena_checkpoint *handle) noexcept {
    Checkpoint checkpoint;
    checkpoint.handle_.reset(handle);
    return checkpoint;
  }

 private:
  using Own = detail::Handle<catena_checkpoint, catena_checkpoint_free>;
  Own handle_;
};

}  // namespace catena

#endif
