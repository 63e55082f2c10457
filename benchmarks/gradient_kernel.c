/* Log-posterior and gradient of fig2b-d55 (microscopic closure, one stage), derived by hand: what a gradient can cost.

   benchmarks/gradient.py compiles it with -O3 -march=native -ffast-math: exp and log are then taken four at a time.
   Populations by their plain closed form, which is not safe where two exponents coincide. Same arguments as the engine's:
   data: the centre of the 8 parameters, then the constants of the engine's program. */
#include <math.h>
#include <stdint.h>
#define N 30
#define EACH for (int i = 0; i < N; i++)

static double normal(double x, double mean, double sigma, double *slope) {
    double r = (x - mean) / sigma;
    *slope = -r / sigma;
    return -0.5 * r * r - 0.91893853320467274 - log(sigma);
}

int64_t kernel(uint64_t dim, const double *x, double *g, double *value, const double *data) {
    const double *centre = data, *t = data + 9, *h = t + N + 0;          /* t skips the time 0 */
    const double *tau[3] = {h + N, h + 3 * N, h + 5 * N}, *w[3] = {h + 2 * N, h + 4 * N, h + 2 * N};
    const double *jy = h + 6 * N, *jy_s = jy + N, *jy_l = jy + 2 * N, *pol = jy + 3 * N, *pol_s = pol + N, *pol_l = pol + 2 * N;
    const double *shape = pol + 3 * N, *weight = shape + N, *fixed1 = shape + 4 * N, *fixed2 = shape + 5 * N;
    double dG = exp(centre[0] + x[0]), d = centre[1] + x[1], Z = centre[2] + x[2], L = exp(centre[3] + x[3]);
    double C = exp(centre[4] + x[4]), pure = exp(centre[5] + x[5]), n3 = exp(centre[6] + x[6]), scale = centre[7] + x[7];
    double A = 0.25 * (1 / Z + Z), G = dG / d, a = L + 3 * C, b = 2 * A * G + L + 3 * C, c = G, in = 2 * C;
    double deph = 2 * A * G + 2 * L + 4 * C + pure, dGZ = dG * Z, p0 = 1 - 2 * n3, v = 4 - n3;
    double q = in / a, al = c * q / b, be = c * (1 - q) / (b - a), ga = p0 - al - be;
    double ea[N], eb[N], n[N], p[N], grow[N], fall[N], con[N], e[3][N], sig[N + 1], K[N], half[N];
    double nb[N], pb[N], Kb[N], sb[N], lp = 0, vb = 0, scb = 0;
    EACH { ea[i] = exp(-a * t[i]); eb[i] = exp(-b * t[i]); }
    EACH {
        n[i] = q + (1 - q) * ea[i]; p[i] = al + be * ea[i] + ga * eb[i];
        double n1 = in - a * n[i], n2 = -a * n1, n3_ = -a * n2;
        double p1 = c * n[i] - b * p[i], p2 = c * n1 - b * p1, p3 = c * n2 - b * p2, T = h[i], sum = 0;
        grow[i] = deph * T + dG * T * (p[i] + T * (-p1 / 2 + T * (p2 / 6 - T * p3 / 24)));
        fall[i] = exp(-grow[i]);
        for (int k = 0; k < 3; k++) {
            T = tau[k][i];
            double nn = n[i] + T * (-n1 + T * (n2 / 2 - T * n3_ / 6)), pp = p[i] + T * (-p1 + T * (p2 / 2 - T * p3 / 6));
            e[k][i] = w[k][i] * exp(-(deph * T + dG * T * (p[i] + T * (-p1 / 2 + T * (p2 / 6 - T * p3 / 24)))));
            sum += e[k][i] * (deph * nn + dGZ * pp * pp + in - a * nn);
        }
        con[i] = sum;
    }
    double k = 0; sig[0] = 1;
    EACH { k += grow[i]; K[i] = k; sig[i + 1] = fall[i] * sig[i] + con[i]; }
    EACH half[i] = exp(-0.5 * K[i]);
    EACH {
        double r = (jy[i] - half[i]) / jy_s[i], D = 7 * n[i] + p[i], m = 0.5 * D / v, s = (pol[i] - m) / pol_s[i], dm = s / pol_s[i];
        Kb[i] = -0.5 * half[i] * r / jy_s[i];
        double y = scale * (8 * sig[i + 1] + 7 * (n[i] - p[i])) / D, dy = (weight[i] / y - 1) * shape[i] / y;
        lp += -0.5 * r * r - jy_l[i] - 0.5 * s * s - pol_l[i] - 2 * 0.91893853320467274;
        lp += fixed1[i] + shape[i] * log(shape[i] / y) - weight[i] * shape[i] / y + fixed2[i];
        sb[i] = dy * scale * 8 / D; scb += dy * y / scale; vb -= dm * m / v;
        nb[i] = dm * 3.5 / v + dy * 7 * (scale - y) / D; pb[i] = dm * 0.5 / v - dy * (7 * scale + y) / D;
    }
    double lam[N], gb[N], after = 0, Ksum = 0;
    for (int i = N - 1; i >= 0; i--) {
        lam[i] = sb[i] + after; after = fall[i] * lam[i]; Ksum += Kb[i]; gb[i] = Ksum - after * sig[i];
    }
    double ab = 0, bb = 0, cb = 0, inb = 0, dephb = 0, dGb = 0, dGZb = 0, qb = 0, alb = 0, beb = 0, gab = 0;
    EACH {
        double n1 = in - a * n[i], n2 = -a * n1, n3_ = -a * n2, p1 = c * n[i] - b * p[i], p2 = c * n1 - b * p1, p3 = c * n2 - b * p2;
        double T = h[i], kb = gb[i] * T, u = dG * kb;
        double B = p[i] + T * (-p1 / 2 + T * (p2 / 6 - T * p3 / 24));
        double P = pb[i] + u, P1 = -u * T / 2, P2 = u * T * T / 6, P3 = -u * T * T * T / 24, M = nb[i], M1 = 0, M2 = 0, M3 = 0;
        dephb += kb; dGb += kb * B;
        for (int k = 0; k < 3; k++) {
            T = tau[k][i];
            double nn = n[i] + T * (-n1 + T * (n2 / 2 - T * n3_ / 6)), pp = p[i] + T * (-p1 + T * (p2 / 2 - T * p3 / 6));
            double Q = deph * nn + dGZ * pp * pp + in - a * nn, q_ = lam[i] * e[k][i], z = -q_ * Q * T;
            B = p[i] + T * (-p1 / 2 + T * (p2 / 6 - T * p3 / 24)); u = dG * z;
            dephb += q_ * nn + z; dGb += z * B; dGZb += q_ * pp * pp; inb += q_; ab -= q_ * nn;
            double N_ = q_ * (deph - a), P_ = 2 * q_ * dGZ * pp;
            M += N_; M1 -= N_ * T; M2 += N_ * T * T / 2; M3 -= N_ * T * T * T / 6;
            P += P_ + u; P1 -= T * (P_ + u / 2); P2 += T * T * (P_ / 2 + u / 6); P3 -= T * T * T * (P_ / 6 + u / 24);
        }
        cb += P3 * n2; M2 += P3 * c; bb -= P3 * p2; P2 -= P3 * b;
        ab -= M3 * n2; M2 -= M3 * a;
        cb += P2 * n1; M1 += P2 * c; bb -= P2 * p1; P1 -= P2 * b;
        ab -= M2 * n1; M1 -= M2 * a;
        cb += P1 * n[i]; M += P1 * c; bb -= P1 * p[i]; P -= P1 * b;
        inb += M1; ab -= M1 * n[i]; M -= M1 * a;
        qb += M * (1 - ea[i]); alb += P; beb += P * ea[i]; gab += P * eb[i];
        ab -= t[i] * ea[i] * (M * (1 - q) + P * be); bb -= t[i] * eb[i] * P * ga;
    }
    double p0b = gab; alb -= gab; beb -= gab;
    cb += beb * (1 - q) / (b - a); qb -= beb * c / (b - a); bb -= beb * be / (b - a); ab += beb * be / (b - a);
    cb += alb * q / b; qb += alb * c / b; bb -= alb * al / b;
    inb += qb / a; ab -= qb * q / a;
    double Gb = cb + 2 * A * (bb + dephb), Ab = 2 * G * (bb + dephb), slope[8];
    dGb += Gb / d + dGZb * Z;
    lp += normal(centre[0] + x[0], log(0.1), 1, slope) + normal(x[1], 0, 2.75, slope + 1) + normal(x[2], 0, 0.005, slope + 2);
    lp += normal(centre[3] + x[3], log(0.02), 1, slope + 3) + normal(centre[4] + x[4], log(0.003), 1, slope + 4);
    lp += normal(centre[5] + x[5], log(0.2), 1, slope + 5) + normal(centre[6] + x[6], log(0.01), 0.5, slope + 6);
    lp += normal(scale, 1, 0.04, slope + 7);
    g[0] = slope[0] + dG * dGb; g[1] = slope[1] - Gb * G / d;
    g[2] = slope[2] + dGZb * dG + Ab * 0.25 * (1 - 1 / (Z * Z)); g[3] = slope[3] + L * (ab + bb + 2 * dephb);
    g[4] = slope[4] + C * (3 * ab + 3 * bb + 4 * dephb + 2 * inb); g[5] = slope[5] + pure * dephb;
    g[6] = slope[6] - n3 * (2 * p0b + vb); g[7] = slope[7] + scb;
    *value = lp;
    return 0;
}
