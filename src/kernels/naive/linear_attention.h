#pragma once
#include <cstdint>
#include <vector>

namespace seqbench {

// q, k: [batch, length, heads * key_dim]; v, o: [batch, length, heads * value_dim]. q and k are feature maps,
// not negative. num_t = q_t S_t, den_t = q_t.z_t, o_t = num_t / (den_t + eps), with S_t = S_{t-1} + k_t^T v_t
// and z_t = z_{t-1} + k_t. A state is [batch, heads, key_dim * (value_dim + 1)]: S by rows, then z.
struct LinearShape {
  std::int64_t batch = 0;
  std::int64_t heads = 0;
  std::int64_t length = 0;
  std::int64_t key_dim = 0;
  std::int64_t value_dim = 0;
  double eps = 1e-6;

  std::int64_t state_size() const { return key_dim * (value_dim + 1); }  // of one head
};

namespace naive {

// The recurrent form, token by token, and its gradient.
template <class T>
class LinearAttention {
 public:
  LinearAttention(const LinearShape& shape, const T* q, const T* k, const T* v)
      : s_(shape), q_(q), k_(k), v_(v) {}

  // state: read and left as it is after the last token. den[batch, heads, length] may be null.
  void forward(T* state, T* o, T* den) const {
    for_each_head([&](std::int64_t b, std::int64_t h) {
      T* matrix = state + (b * s_.heads + h) * s_.state_size();
      for (std::int64_t t = 0; t < s_.length; ++t) {
        read(matrix, b, h, t);
        double sum = s_.eps;
        for (std::int64_t i = 0; i < s_.key_dim; ++i)
          sum += number(q_[key(b, h, t) + i]) * number(z(matrix)[i]);
        for (std::int64_t c = 0; c < s_.value_dim; ++c) {
          double num = 0;
          for (std::int64_t i = 0; i < s_.key_dim; ++i) {
            num += number(q_[key(b, h, t) + i]) * number(matrix[i * s_.value_dim + c]);
          }
          o[value(b, h, t) + c] = static_cast<T>(num / sum);
        }
        if (den != nullptr) den[(b * s_.heads + h) * s_.length + t] = static_cast<T>(sum - s_.eps);
      }
    });
  }

  // From an empty state. Adds to dq, dk, dv. dnum = do / (den + eps), dden = -(do.o) / (den + eps); then with
  // states kept for every token: dq_t = S_t dnum_t + z_t dden_t, and the reverse sum G_t = G_{t+1} + q_t^T
  // [dnum_t, dden_t] gives dk_t = G_t [v_t, 1] and dv_t = k_t G_t.
  void backward(const T* o, const T* den, const T* d_o, T* dq, T* dk, T* dv) const {
    for_each_head([&](std::int64_t b, std::int64_t h) {
      const std::int64_t size = s_.state_size();
      std::vector<T> states(static_cast<std::size_t>((s_.length + 1) * size), T(0));
      std::vector<double> g(static_cast<std::size_t>(size), 0.0);
      std::vector<double> d_num(static_cast<std::size_t>(s_.value_dim + 1));
      for (std::int64_t t = 0; t < s_.length; ++t) {
        T* next = states.data() + (t + 1) * size;
        for (std::int64_t i = 0; i < size; ++i) next[i] = states[static_cast<std::size_t>(t * size + i)];
        read(next, b, h, t);
      }
      for (std::int64_t t = s_.length - 1; t >= 0; --t) {
        const T* after = states.data() + (t + 1) * size;
        const double inverse = 1.0 / (number(den[(b * s_.heads + h) * s_.length + t]) + s_.eps);
        const std::int64_t at = value(b, h, t);
        double d_den = 0;
        for (std::int64_t c = 0; c < s_.value_dim; ++c) {
          d_num[static_cast<std::size_t>(c)] = number(d_o[at + c]) * inverse;
          d_den -= number(d_o[at + c]) * number(o[at + c]) * inverse;
        }
        for (std::int64_t i = 0; i < s_.key_dim; ++i) {
          const double q = number(q_[key(b, h, t) + i]);
          const double k = number(k_[key(b, h, t) + i]);
          double sum_q = number(z(after)[i]) * d_den;
          double& g_z = g[static_cast<std::size_t>(s_.key_dim * s_.value_dim + i)];
          g_z += q * d_den;
          double sum_k = g_z;
          for (std::int64_t c = 0; c < s_.value_dim; ++c) {
            double& g_s = g[static_cast<std::size_t>(i * s_.value_dim + c)];
            g_s += q * d_num[static_cast<std::size_t>(c)];
            sum_q += number(after[i * s_.value_dim + c]) * d_num[static_cast<std::size_t>(c)];
            sum_k += g_s * number(v_[at + c]);
            dv[at + c] += static_cast<T>(k * g_s);
          }
          dq[key(b, h, t) + i] += static_cast<T>(sum_q);
          dk[key(b, h, t) + i] += static_cast<T>(sum_k);
        }
      }
    });
  }

 private:
  static double number(T x) { return static_cast<double>(x); }
  template <class F>
  void for_each_head(F&& f) const {
    for (std::int64_t b = 0; b < s_.batch; ++b) {
      for (std::int64_t h = 0; h < s_.heads; ++h) f(b, h);
    }
  }
  template <class P>
  P* z(P* state) const {
    return state + s_.key_dim * s_.value_dim;
  }
  void read(T* state, std::int64_t b, std::int64_t h, std::int64_t t) const {
    for (std::int64_t i = 0; i < s_.key_dim; ++i) {
      const T k = k_[key(b, h, t) + i];
      for (std::int64_t c = 0; c < s_.value_dim; ++c)
        state[i * s_.value_dim + c] += k * v_[value(b, h, t) + c];
      z(state)[i] += k;
    }
  }
  std::int64_t key(std::int64_t b, std::int64_t h, std::int64_t t) const {
    return ((b * s_.length + t) * s_.heads + h) * s_.key_dim;
  }
  std::int64_t value(std::int64_t b, std::int64_t h, std::int64_t t) const {
    return ((b * s_.length + t) * s_.heads + h) * s_.value_dim;
  }

  LinearShape s_;
  const T* q_;
  const T* k_;
  const T* v_;
};

}  // namespace naive
}  // namespace seqbench
