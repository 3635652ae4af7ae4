/* The answers of a forest of decision trees, without a branch on the way to a leaf.

   Every tree has a word of bits, one for each leaf. A row of `masks` holds, for one input and one range of its values,
   the leaves of every tree that may still be reached; ANDed over the inputs, one leaf of each tree remains. (After
   QuickScorer: Lucchese and others, SIGIR 2015, doi:10.1145/2766462.2767733; the ranges replace its loop over nodes.)
   forest.py makes the tables. Nothing is written but `out`: any number of threads may ask at once. */

#include <math.h>
#include <pthread.h>
#include <stdint.h>

/* Of what source this was compiled: forest.py does not use the library of another. */
const uint32_t forest_source = SOURCE;

/* Two vectors of four words are walked side by side: x86-64 and arm64 have such vectors, and wider ones gained nothing. */
enum { LANES = 4, STEP = 2 * LANES, LEAVES = 32 };
typedef uint32_t lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
enum { PLAIN, SIGMOID, SOFTMAX, EXP };

struct input {
    int64_t place;    /* its column in a row */
    int64_t first;    /* of its thresholds, in ascending order */
    int64_t size;     /* how many thresholds or categories it has */
    int64_t mask;     /* the row of `masks` of its first range */
    int64_t is_text;  /* whether its values are the codes of categories */
};

struct forest {
    int64_t inputs, width, words, outputs, transform;  /* words: of one output, a multiple of STEP */
    double divisor, steepness;
    const struct input *input;   /* (inputs): those that a tree asks for */
    const double *thresholds;
    const uint32_t *masks;       /* (ranges of all inputs, outputs * words) */
    const double *leaves;        /* (outputs * words, LEAVES) */
};

/* How many of some ascending numbers lie below x. What is compared decides no jump: half of them would be guessed wrong. */
static int64_t count_below(const double *sorted, int64_t count, double x) {
    const double *base = sorted;
    while (count > 0) {
        int64_t half = (count + 1) / 2;
        base += half * (base[half - 1] < x);
        count -= half;
    }
    return base - sorted;
}

/* The range that x lies in; the last one is that of what is missing. */
static int64_t find_range(const struct input *input, const double *thresholds, double x) {
    if (fabs(x) <= 1e-35f) x = 0.0;  /* as LightGBM reads a row */
    if (input->is_text) return x > -1.0 && x < (double)input->size ? (int64_t)x : input->size;
    return isnan(x) ? input->size + 1 : count_below(thresholds + input->first, input->size, x);
}

/* The sum of one leaf of each tree, in the order of the trees. */
static double add_leaves(const struct forest *forest, const uint32_t **rows, int64_t begin) {
    double sum = 0.0;
    for (int64_t word = begin; word < begin + forest->words; word += STEP) {
        lanes low = ~(lanes){0}, high = low;
        for (int64_t i = 0; i < forest->inputs; i++) {
            const lanes *mask = (const lanes *)(rows[i] + word);
            low &= mask[0];
            high &= mask[1];
        }
        const double *leaves = forest->leaves + word * LEAVES;
        for (int lane = 0; lane < LANES; lane++) sum += leaves[lane * LEAVES + __builtin_ctz(low[lane])];
        leaves += LANES * LEAVES;
        for (int lane = 0; lane < LANES; lane++) sum += leaves[lane * LEAVES + __builtin_ctz(high[lane])];
    }
    return sum;
}

/* From sums to answers, as LightGBM computes them (src/objective, ConvertOutput). */
static void convert(const struct forest *forest, double *out) {
    int64_t outputs = forest->outputs;
    if (forest->transform == SIGMOID)
        for (int64_t k = 0; k < outputs; k++) out[k] = 1.0 / (1.0 + exp(-forest->steepness * out[k]));
    if (forest->transform == EXP)
        for (int64_t k = 0; k < outputs; k++) out[k] = exp(out[k]);
    if (forest->transform == SOFTMAX) {
        double largest = out[0], sum = 0.0;
        for (int64_t k = 1; k < outputs; k++) largest = out[k] > largest ? out[k] : largest;
        for (int64_t k = 0; k < outputs; k++) sum += out[k] = exp(out[k] - largest);
        for (int64_t k = 0; k < outputs; k++) out[k] /= sum;
    }
}

/* `count` rows of shape (width) to answers of shape (outputs). */
static void answer_rows(const struct forest *forest, const double *row, int64_t count, double *out) {
    int64_t words = forest->words, outputs = forest->outputs;
    const uint32_t *masks[forest->inputs + 1];  /* less than 100 KB by MOST_BYTES, so it fits any thread's stack */
    for (; count > 0; count--, row += forest->width, out += outputs) {
        for (int64_t i = 0; i < forest->inputs; i++) {
            const struct input *input = forest->input + i;
            int64_t range = input->mask + find_range(input, forest->thresholds, row[input->place]);
            masks[i] = forest->masks + range * outputs * words;
        }
        for (int64_t k = 0; k < outputs; k++) out[k] = add_leaves(forest, masks, k * words) / forest->divisor;
        convert(forest, out);
    }
}

struct share { const struct forest *forest; const double *row; int64_t count; double *out; };

static void *answer_share(void *given) {
    const struct share *share = given;
    answer_rows(share->forest, share->row, share->count, share->out);
    return NULL;
}

/* The same in shares, one for each of so many threads, of which the calling one is the last. */
void forest_answer(const struct forest *forest, const double *row, int64_t count, double *out, int64_t threads) {
    if (threads < 2) {
        answer_rows(forest, row, count, out);
        return;
    }
    struct share share = {forest, row, count / threads, out};
    pthread_t thread;
    int refused = pthread_create(&thread, NULL, answer_share, &share);
    row += share.count * forest->width;
    forest_answer(forest, row, count - share.count, out + share.count * forest->outputs, threads - 1);
    if (refused) answer_share(&share);
    else pthread_join(thread, NULL);
}
